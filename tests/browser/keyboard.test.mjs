// Pages by the keyboard alone: everything is reached, seen when it is, and left again.
import assert from 'node:assert/strict';
import { act, api, as, at, opened, people, press, rule, text } from './world.mjs';

/** What has the focus: its words, and whether it can be seen that it has it. */
const focused = (page) =>
  page.evaluate(() => {
    const it = document.activeElement;
    if (!it || it === document.body) return null;
    const [box] = it.getClientRects();
    const style = getComputedStyle(it);
    // The middle of what is within the window.
    const middle = (from, to, most) => (Math.max(from, 0) + Math.min(to, most)) / 2;
    const there = box && document.elementFromPoint(
      middle(box.left, box.right, innerWidth),
      middle(box.top, box.bottom, innerHeight),
    );
    return {
      name: (it.labels?.[0]?.innerText ?? it.innerText ?? it.getAttribute('aria-label') ?? '').trim(),
      kind: it.tagName.toLowerCase(),
      isDate: /^date/.test(it.type),
      place: [...document.querySelectorAll('*')].indexOf(it),
      isSeen: Boolean(there) && (it.contains(there) || there.contains(it)),
      isMarked: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2,
    };
  });

/** Goes on by Tab until what has the focus is called so. */
async function tabTo(page, name) {
  for (let presses = 1; presses < 400; presses += 1) {
    await page.keyboard.press('Tab');
    const it = await focused(page);
    if (it && (name instanceof RegExp ? name.test(it.name) : it.name === name)) return it;
  }
  throw new Error(`${name} is not reached by Tab at ${page.url()}`);
}

/** Presses Enter and waits for the page that comes of it. */
const enter = (page) =>
  Promise.all([page.waitForEvent('load'), page.keyboard.press('Enter')]);

for (const [who, path] of [
  ['stranger', '/sign-in'], ['report', 'home'], ['report', 'report'], ['report', 'catalog/laptop'],
  ['report', 'me'], ['agent', 'desk/queue/all'], ['agent', 'desk/tickets/INC0000001'],
  ['agent', 'desk/tickets/INC0000001/do/edit'],
]) {
  rule(`whatever has the focus at ${path} is seen, and nothing keeps it`, async () => {
    await as(who, {}, async (page) => {
      for (const width of [1280, 360]) {
        await page.setViewportSize({ width, height: 640 });
        await page.goto(at(path));
        const places = new Set();
        let last;
        for (let presses = 0; presses < 400; presses += 1) {
          await page.keyboard.press('Tab');
          const it = await focused(page);
          // Between the end and the beginning nothing has it; a date has it for each of its parts.
          if (!it || (it.place === last && it.isDate)) continue;
          assert.notEqual(it.place, last, `the focus is kept at “${it.name}”`);
          if (places.has(it.place)) break;
          places.add(it.place);
          last = it.place;
          assert.ok(it.isSeen, `${it.kind} “${it.name.slice(0, 80)}” is not seen, ${width} wide`);
          assert.ok(it.isMarked, `${it.kind} “${it.name}” is not marked, ${width} wide`);
        }
        assert.ok(places.size > 2, 'nothing was reached');
        const able = await page.evaluate(() => {
          const all = document.querySelectorAll('a[href], button, input, select, textarea, summary, [tabindex="0"]');
          const groups = new Set();
          return [...all].filter((it) => {
            // Of a group of radio buttons, Tab reaches one.
            const isOther = it.type === 'radio' && groups.has(it.name);
            if (it.type === 'radio') groups.add(it.name);
            return it.type !== 'hidden' && !isOther && it.checkVisibility();
          }).length;
        });
        assert.equal(places.size, able, `of ${able} elements, ${places.size} are reached`);
      }
    });
  });
}

rule('the first thing that Tab reaches leads to the content', async () => {
  await as('report', {}, async (page) => {
    await page.goto(at('home'));
    await page.keyboard.press('Tab');
    assert.equal((await focused(page)).name, 'Skip to the content');
    await page.keyboard.press('Enter');
    assert.equal(await page.evaluate(() => document.activeElement.id), 'work');
    await page.keyboard.press('Tab');
    assert.ok(await page.evaluate(() => document.activeElement.closest('main') !== null));
  });
});

rule('behind a form that was refused, the summary of what is wrong has the focus', async () => {
  for (const [who, path] of [['report', 'report'], ['report', 'catalog/laptop'], ['agent', 'desk/new/incident']]) {
    await as(who, { refuses: [422] }, async (page) => {
      await page.goto(at(path));
      await press(page, 'main form button.main');
      assert.match(await page.evaluate(() => document.activeElement.className), /problems/, path);
      // Its first link leads to the field.
      await page.keyboard.press('Tab');
      await page.keyboard.press('Enter');
      const id = await page.evaluate(() => location.hash.slice(1));
      assert.equal(await page.evaluate(() => document.activeElement.id), id, path);
    });
  }
});

rule('an agent takes a ticket from the queue and solves it without a mouse', async () => {
  const number = await opened('The bell at the gate rings all day', { requester: people.report });
  await act(number, 'assign', { team: 'revenue-systems', assignee: people.agent });
  await as('agent', {}, async (page) => {
    await page.goto(at('desk/queue/mine'));
    await tabTo(page, 'The bell at the gate rings all day');
    await enter(page);
    await tabTo(page, 'Start work');
    await enter(page);
    await tabTo(page, 'Start work');
    await enter(page);
    await tabTo(page, 'Resolve');
    await enter(page);
    await tabTo(page, 'Code');
    await page.keyboard.press('ArrowDown');
    await tabTo(page, 'What was done');
    await page.keyboard.type('The button was stuck.');
    await tabTo(page, 'Resolve');
    await enter(page);
    assert.match(await text(page), /The button was stuck\./);
  });
  assert.equal((await api('GET', `incidents/${number}`)).state, 'resolved');
});
