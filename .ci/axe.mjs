// The pages as readers get them: see .ci/axe, which calls this with the folder of npm packages, Chromium and the pages.
import { createRequire } from 'node:module';
import { readFileSync, statSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

const [modules, chromium, ...pages] = process.argv.slice(2);
const need = createRequire(`${modules}/`);
const puppeteer = need('puppeteer-core');
const axe = readFileSync(need.resolve('axe-core/axe.min.js'), 'utf8');
const SCREENS = [[360, 780], [768, 1024], [1440, 900]];
const HEAVIEST = 1e6;

const counts = { pages: 0, views: 0, violations: 0, overflows: 0, shifts: 0, requests: 0, errors: 0, unreadable: 0, heavy: 0, below: 0, unprinted: 0, unfound: 0 };
const say = (kind, page, where, what, times = 1) => {
  counts[kind] += times;
  console.error(`${page}${where ? `, ${where}` : ''}: ${kind}: ${what}`);
};

const browser = await puppeteer.launch({
  executablePath: chromium,
  headless: true,
  args: ['--no-sandbox', '--disable-quic', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--no-first-run'],
});
try {
  for (const file of pages) {
    counts.pages += 1;
    const url = pathToFileURL(file).href;
    const bytes = statSync(file).size;
    if (bytes >= HEAVIEST) say('heavy', file, '', `${bytes} bytes`);
    for (const [width, height] of SCREENS) {
      for (const scheme of ['light', 'dark']) {
        counts.views += 1;
        const where = `${width} px, ${scheme}`;
        const page = await browser.newPage();
        page.on('console', (message) => message.type() === 'error' && say('errors', file, where, message.text()));
        page.on('pageerror', (error) => say('errors', file, where, error.message));
        page.on('request', (request) => {
          if (request.url() !== url && !request.url().startsWith('data:')) say('requests', file, where, request.url());
        });
        await page.setViewport({ width, height });
        await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }]);
        await page.evaluateOnNewDocument(() => {
          globalThis.moved = 0;
          new PerformanceObserver((list) => list.getEntries().forEach((entry) => { globalThis.moved += entry.value; }))
            .observe({ type: 'layout-shift', buffered: true });
        });
        await page.goto(url, { waitUntil: 'load' });
        await page.waitForSelector('html.ready', { timeout: 5000 });
        // Two frames, in which what the fonts move would have moved.
        await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
        const seen = await page.evaluate(() => ({
          moved: globalThis.moved,
          over: document.documentElement.scrollWidth - innerWidth,
          badges: document.querySelector('.badges')?.getBoundingClientRect().bottom ?? 0,
        }));
        if (seen.moved > 0) say('shifts', file, where, seen.moved);
        if (seen.over > 0) say('overflows', file, where, `${seen.over} px`);
        if (width === 1440 && seen.badges > height) say('below', file, where, `badges end at ${Math.round(seen.badges)} px`);
        await page.evaluate(axe);
        const found = await page.evaluate(async () => (await globalThis.axe.run()).violations
          .map((violation) => [violation.id, violation.nodes.map((node) => node.target.join(' '))]));
        for (const [rule, nodes] of found) say('violations', file, where, `${rule}: ${nodes.slice(0, 3).join('; ')}`, nodes.length);
        await page.close();
      }
    }
    // What a badge means is on paper too, where nobody can open it; the next reader of the screen finds it closed again.
    const used = await browser.newPage();
    await used.goto(url, { waitUntil: 'load' });
    await used.emulateMediaType('print');
    const meanings = await used.evaluate(() => {
      const height = () => document.querySelector('.meanings dl')?.getBoundingClientRect().height;
      dispatchEvent(new Event('beforeprint'));
      const printed = height();
      dispatchEvent(new Event('afterprint'));
      return { printed, open: document.querySelectorAll('.meanings[open]').length };
    });
    if (meanings.printed === 0 || meanings.open > 0) say('unprinted', file, '', JSON.stringify(meanings));
    await used.emulateMediaType('screen');
    // Each field finds the last row of what it searches by the words of its first cell, and shows no group without a row.
    const fields = await used.evaluate(() => [...document.querySelectorAll('.search')].map((search) => {
      const rows = [...search.parentElement.querySelectorAll('tbody tr')];
      const last = rows[rows.length - 1];
      const input = search.querySelector('input');
      const type = (text) => { input.value = text; input.dispatchEvent(new Event('input')); };
      const shown = () => rows.filter((row) => row.getClientRects().length).length;
      type(last.cells[0].textContent);
      const found = last.getClientRects().length > 0 && shown();
      const empty = [...search.parentElement.querySelectorAll(':scope > section')]
        .filter((group) => group.getClientRects().length && ![...group.querySelectorAll('tbody tr')].some((row) => row.getClientRects().length));
      type('');
      return { rows: rows.length, found, empty: empty.length, again: shown() };
    }));
    for (const field of fields) {
      if (!field.found || field.found === field.rows || field.empty || field.again < field.rows) say('unfound', file, '', JSON.stringify(field));
    }
    await used.close();
    // The same text, and all of it visible, without scripts.
    const bare = await browser.newPage();
    await bare.setJavaScriptEnabled(false);
    await bare.goto(url, { waitUntil: 'load' });
    const text = await bare.evaluate(() => {
      const shown = (node) => getComputedStyle(node).visibility === 'visible' && node.getBoundingClientRect().height > 0;
      const main = document.querySelector('main');
      return shown(document.querySelector('h1')) && shown(main) && main.innerText.trim().length;
    });
    if (!text) say('unreadable', file, 'scripts off', 'nothing is shown');
    await bare.close();
  }
} finally {
  await browser.close();
}
const { pages: read, views, ...wrong } = counts;
console.log(`${read} pages, ${views} views: ${Object.entries(wrong).map(([kind, n]) => `${kind} ${n}`).join(', ')}`);
process.exit(Object.values(wrong).some((n) => n > 0) ? 1 : 0);
