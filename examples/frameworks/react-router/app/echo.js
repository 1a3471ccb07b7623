export function action({ request }) {
  return new Response(request.body)
}
