import router from '@adonisjs/core/services/router'

router.get('/', () => 'hello\n')
router.post('/echo', ({ request, response }) => response.stream(request.request))
