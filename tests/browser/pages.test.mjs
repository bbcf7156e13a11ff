// Every page, as everybody sees it: accessible, within its width, and without a fault.
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { PRESSED, routes, samples } from './pages.mjs';
import { as, at, people, rule, sideways, told, violations } from './world.mjs';

const PICTURES = told('WAYPOST_TEST_PICTURES');
const WIDTHS = [1280, 360];
/** The narrowest window that has to do. */
const NARROWEST = 320;
/** Twice the size that a browser begins with. */
const LARGE_TEXT = '--blink-settings=defaultFontSize=32,minimumFontSize=0';

mkdirSync(PICTURES, { recursive: true });
const known = await samples();

rule('every page of the router is looked at', () => {
  const found = routes();
  assert.ok(found.length > 20, `only ${found} were found in the source`);
  assert.deepEqual(found.filter((route) => !(route in known)), []);
});

/** The status that a person meets at a route; the sign-in page is what strangers meet. */
function expected(who, route, path) {
  if (path.includes('used-up')) return 410;
  if (path === '/voted?as=nonsense') return 404;
  if (path === '/o/nobody-has-this') return who === 'stranger' ? 200 : 404;
  if (who === 'stranger' || !route.startsWith('/o/')) return 200;
  if (route.endsWith('/approvals/{request}')) return who === 'requester' ? 200 : 404;
  return who === 'requester' && route.includes('/desk') ? 403 : 200;
}

for (const who of ['stranger', 'requester', 'agent', 'lead']) {
  rule(`the pages that a ${who} meets are whole`, async () => {
    const seen = new Set();
    await as(who, {}, async (page) => {
      for (const [route, paths] of Object.entries(known)) {
        for (const path of paths) {
          const status = expected(who, route, path);
          page.refuses = [status];
          const answer = await page.goto(at(path));
          if (answer.status() !== status) page.faults.push(`${path}: ${answer.status()}, not ${status}`);
          if (await isNew(page, seen)) await look(page, `${who}-${path}`);
        }
      }
      for (const [whose, path, act, status] of PRESSED.filter(([whose]) => whose === who)) {
        page.refuses = [status];
        await page.goto(at(path));
        await act(page);
        await look(page, `${whose}-${path}-pressed-${status}`);
      }
    });
  });

  rule(`with text twice as large, nothing that a ${who} meets is cut off`, async () => {
    await as(who, { args: [LARGE_TEXT] }, async (page) => {
      page.refuses = [403, 404, 410];
      for (const path of Object.values(known).flat()) {
        await page.goto(at(path));
        const size = await page.evaluate(() => getComputedStyle(document.body).fontSize);
        assert.equal(size, '32px', 'the browser took no notice of the size');
        const over = await sideways(page);
        if (over > 0) page.faults.push(`${path} is ${over} px too wide`);
      }
    });
  });
}

rule('in a window of 1280, the header is one line, in each language', async () => {
  for (const [who, path] of [['requester', 'home'], ['agent', 'home'], ['agent', 'desk/queue/all']]) {
    for (const locale of ['en-GB', 'de-DE']) {
      await as(who, { locale }, async (page) => {
        await page.goto(at(path));
        const middles = await page.locator('.bar :is(a, button, input)').evaluateAll((all) =>
          all.map((it) => it.getBoundingClientRect()).map((box) => (box.top + box.bottom) / 2));
        const apart = Math.max(...middles) - Math.min(...middles);
        assert.ok(apart < 8, `${path} in ${locale} for a ${who}: they are ${apart} px apart`);
      });
    }
  }
});

/** Whether a page shows something that no page before it did: the same one is looked at once. */
async function isNew(page, seen) {
  const html = await page.content();
  const shape = html.replace(/ value="[^"]*"|<time[^]*?<\/time>/g, '');
  return seen.size < seen.add(shape).size;
}

/** Notes what is wrong with a page at each width, light and dark. */
async function look(page, name) {
  const file = name.replace(/\W+/g, '-').slice(0, 80);
  for (const width of WIDTHS) {
    await page.setViewportSize({ width, height: 800 });
    for (const colorScheme of ['light', 'dark']) {
      await page.emulateMedia({ colorScheme });
      await page.screenshot({ path: `${PICTURES}/${file}-${width}-${colorScheme}.png`, fullPage: true });
      const found = await violations(page);
      page.faults.push(...found.map((one) => `${name}, ${width} ${colorScheme}: ${one}`));
    }
  }
  await page.setViewportSize({ width: NARROWEST, height: 800 });
  const over = await sideways(page);
  if (over > 0) page.faults.push(`${name} is ${over} px wider than ${NARROWEST}`);
  await page.setViewportSize({ width: 1280, height: 800 });
  await page.emulateMedia({ colorScheme: 'light' });
}
