import { connect } from './connect.js'

const find = (id) => document.getElementById(id)
const pids = new Set()
let lost = 0

/** Makes an element. Whatever a user has typed is shown as text, never as HTML. */
function element(tag, className, ...children) {
  const node = document.createElement(tag)
  node.className = className
  node.append(...children)
  return node
}

function show({ from, text, pid, name, before, left }) {
  if (from === undefined) {
    const news = left ? `${left} left` : before ? `${before} is now ${name}` : `${name} joined`
    return element('li', 'news', news)
  }
  const isMine = from === find('name').value
  const head = element('span', 'from', from, element('span', 'pid', `process ${pid}`))
  return element('li', isMine ? 'message mine' : 'message', head, element('p', '', text))
}

function showProcess(id, pid) {
  if (find(id).textContent === String(pid)) return
  pids.add(pid)
  find('restarts').textContent = pids.size - 1
  find(id).textContent = pid
  find(id).animate([{ opacity: 0 }, { opacity: 1 }], 400)
}

function showLost() {
  lost += 1
  find('lost').textContent = lost
  find('lost').className = 'bad'
}

const send = connect({
  onOpen() {
    // The server sends the whole history to a new client.
    find('messages').replaceChildren()
    send({ name: find('name').value })
  },
  onMessage({ pid, entries }) {
    showProcess('message-pid', pid)
    const list = find('messages')
    const isAtEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 50
    list.append(...entries.map(show))
    if (isAtEnd) list.scrollTop = list.scrollHeight
  },
  onClose: showLost,
})

const names = new EventSource('names')
names.onmessage = ({ data }) => {
  const event = JSON.parse(data)
  showProcess('names-pid', event.pid)
  find('names').replaceChildren(...event.names.map((name) => element('li', '', name)))
}
names.onerror = showLost

find('name').value = sessionStorage.name ?? `Guest ${Math.floor(Math.random() * 1_000)}`
find('name').onchange = ({ target }) => {
  sessionStorage.name = target.value
  send({ name: target.value })
}
find('form').onsubmit = (event) => {
  event.preventDefault()
  if (send({ text: find('text').value }) !== false) find('text').value = ''
}
