export default {
  fetch(request) {
    return new Response(request.method === 'POST' ? request.body : 'hello\n')
  },
}
