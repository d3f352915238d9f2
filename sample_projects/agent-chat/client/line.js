export function line({ from, text }) {
  const item = document.createElement('li');
  item.textContent = `${from}: ${text}`;
  return item;
}
