// Hostile texts wherever people can write: none of them runs on a page that shows it.
import assert from 'node:assert/strict';
import { act, api, as, at, opened, people, rule, text } from './world.mjs';

const RUNS = 'window.__hit=1';
const TEXTS = [
  `<script>${RUNS}</script>`,
  `<img src=x onerror=${RUNS}>`,
  `"><svg onload=${RUNS}>`,
  `' autofocus onfocus='${RUNS}' x='`,
  `" autofocus onfocus="${RUNS}" x="`,
  `</textarea><script>${RUNS}</script>`,
  `</title><script>${RUNS}</script>`,
  `--><script>${RUNS}</script>`,
  `]]><script>${RUNS}</script>`,
  `</style></template><script>${RUNS}</script>`,
  `<iframe srcdoc="<script>parent.${RUNS}</script>">`,
  `<details open ontoggle=${RUNS}>`,
  `<math><mtext><table><mglyph><style><img src=x onerror=${RUNS}>`,
  `<a href="javascript:${RUNS}">Press here</a>`,
  `[Press here](javascript:${RUNS})`,
  `javascript:${RUNS}`,
  `https://example.com/"onmouseover="${RUNS}`,
  `<form action=/sign-out method=post><button autofocus>Go</button></form>`,
  `<base href=//evil.example><script src=/x.js></script>`,
  `<meta http-equiv=refresh content="0;url=//evil.example">`,
  `<link rel=stylesheet href=//evil.example/x.css>`,
  `&lt;script&gt;${RUNS}&lt;/script&gt; {{7*7}} \${7*7}`,
];

const tickets = [];
for (const [place, attack] of TEXTS.entries()) {
  const email = `hostile-${place}-${Date.now()}@marlow.example`;
  await api('POST', 'people', { name: `Zz ${attack}`, email, role: 'requester' });
  people[email] = email;
  const number = await opened(`Zz ${attack}`, { requester: email, description: `Zz ${attack}` });
  await act(number, 'comment', { text: `Zz ${attack}` });
  await act(number, 'note', { text: attack });
  tickets.push({ number, email, attack });
}

/** Looks at pages that show hostile texts, and fails if one of them did anything. */
async function looked(page, paths) {
  for (const path of paths) {
    await page.goto(at(path));
    assert.match(await text(page), /Zz/, `${path} shows none of the texts`);
    assert.equal(await page.evaluate(() => window.__hit), undefined, path);
    assert.equal(page.url(), at(path), 'a text has led elsewhere');
    const made = await page.evaluate(() => ({
      handlers: [...document.querySelectorAll('*')].flatMap((it) =>
        it.getAttributeNames().filter((name) => name.startsWith('on'))),
      links: [...document.links].map((it) => it.protocol).filter((it) => !/^https?:$/.test(it)),
      strange: document.querySelectorAll('main :is(script, iframe, svg, style, base, meta, link)').length,
    }));
    assert.deepEqual(made, { handlers: [], links: [], strange: 0 }, path);
  }
}

rule('no hostile text runs at the desk', async () => {
  await as('agent', {}, async (page) => {
    await looked(page, ['desk/queue/all?text=Zz', 'desk/queue/unassigned?text=Zz', 'desk/search?text=Zz']);
    for (const { number } of tickets) {
      await looked(page, [`desk/tickets/${number}`, `desk/tickets/${number}/do/edit`]);
      // What shows itself when it is touched is touched.
      await page.keyboard.press('Tab');
      await page.mouse.move(400, 300);
    }
    const all = tickets.map(({ number }) => `ticket=${number}`).join('&');
    await page.goto(at(`desk/bulk?action=comment&${all}`));
    assert.equal(await page.evaluate(() => window.__hit), undefined);
  });
});

rule('no hostile text runs at the portal', async () => {
  for (const { number, email } of tickets) {
    await as(email, {}, async (page) => {
      await looked(page, [`my/${number}`, 'home', 'search?q=Zz']);
    });
  }
});

rule('no hostile text runs in a form that was refused, or in an address', async () => {
  await as('report', { refuses: [422] }, async (page) => {
    for (const { attack } of tickets) {
      await page.goto(at(`report?q=${encodeURIComponent(attack)}`));
      await page.getByLabel('What is wrong?').fill('');
      await page.getByLabel('What happens, and since when?').fill(attack);
      await Promise.all([page.waitForEvent('load'), page.locator('main form button').click()]);
      assert.equal(await page.getByLabel('What happens, and since when?').inputValue(), attack);
      await page.goto(at(`search?q=${encodeURIComponent(attack)}`));
      assert.equal(await page.evaluate(() => window.__hit), undefined);
      assert.equal(await page.locator('main :is(script, iframe, svg)').count(), 0);
    }
  });
});
