'use strict';
// Sorting and searching in tables, the section in view in the contents, what paper shows. The page is whole without it.
const root = document.documentElement;
const ready = () => root.classList.add('ready');
root.classList.add('js');
setTimeout(ready, 400);
Promise.all(['400', '600'].map((weight) => document.fonts.load(`${weight} 1em "IBM Plex Sans"`, 'Яa'))).then(ready, ready);
document.addEventListener('DOMContentLoaded', () => {
  const collator = new Intl.Collator('ru', { numeric: true });
  const value = (row, i) => {
    const cell = row.cells[i];
    return cell.dataset.sort === undefined ? null : Number(cell.dataset.sort);
  };
  const compare = (i) => (a, b) => {
    const x = value(a, i), y = value(b, i);
    if (x !== null && y !== null) return x - y;
    if (x !== null || y !== null) return x === null ? 1 : -1;
    return collator.compare(a.cells[i].textContent, b.cells[i].textContent);
  };
  for (const table of document.querySelectorAll('table[data-sortable]')) {
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, i) => {
      if (!head.textContent.trim()) return;
      const button = document.createElement('button');
      button.type = 'button';
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener('click', () => {
        const down = head.getAttribute('aria-sort') === 'ascending';
        heads.forEach((other) => other.removeAttribute('aria-sort'));
        head.setAttribute('aria-sort', down ? 'descending' : 'ascending');
        const rows = [...table.tBodies[0].rows].sort(compare(i));
        table.tBodies[0].append(...(down ? rows.reverse() : rows));
      });
    });
  }
  for (const search of document.querySelectorAll('.search')) {
    const rows = [...search.parentElement.querySelectorAll('tbody tr')];
    const groups = [...search.parentElement.querySelectorAll(':scope > section')];
    const texts = rows.map((row) => row.textContent.toLowerCase());
    const output = search.querySelector('output');
    search.querySelector('input').addEventListener('input', (event) => {
      const words = event.target.value.toLowerCase().split(/\s+/);
      let shown = 0;
      rows.forEach((row, i) => {
        row.hidden = !words.every((word) => texts[i].includes(word));
        shown += row.hidden ? 0 : 1;
      });
      for (const group of groups) {
        group.hidden = shown < rows.length && !group.querySelector('tbody tr:not([hidden])');
      }
      output.textContent = shown === rows.length ? '' : `показано ${shown} из ${rows.length}`;
    });
  }
  // Paper has no hand to open what a badge means.
  let opened = [];
  addEventListener('beforeprint', () => {
    opened = [...document.querySelectorAll('.meanings:not([open])')];
    for (const meanings of opened) meanings.open = true;
  });
  addEventListener('afterprint', () => {
    for (const meanings of opened) meanings.open = false;
  });
  const links = new Map();
  for (const link of document.querySelectorAll('.contents.wide a')) {
    links.set(decodeURIComponent(link.hash.slice(1)), link);
  }
  const headings = [...links.keys()].map((id) => document.getElementById(id)).filter(Boolean);
  let current = null;
  const mark = () => {
    const above = headings.filter((heading) => heading.getBoundingClientRect().top < innerHeight / 3);
    const link = above.length ? links.get(above[above.length - 1].id) : null;
    if (link === current) return;
    if (current) current.removeAttribute('aria-current');
    if (link) link.setAttribute('aria-current', 'true');
    current = link;
  };
  if (headings.length) {
    addEventListener('scroll', mark, { passive: true });
    mark();
  }
});
