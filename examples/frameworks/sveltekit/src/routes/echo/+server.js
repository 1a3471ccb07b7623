export function POST({ request }) {
  return new Response(request.body)
}
