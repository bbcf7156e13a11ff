// Pages by the keyboard alone: everything is reached, seen when it is, and left again.
import assert from 'node:assert/strict';
import { act, api, as, at, linkBySending, opened, people, press, rule, text, withoutHints } from './world.mjs';

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
      value: it.value,
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

/**
 * Goes around the page, once forth and once back: whatever has the focus is seen and marked,
 * nothing keeps it, and nothing that can be used is left out.
 */
async function around(page) {
  const where = `at ${page.url()}, ${page.viewportSize().width} wide`;
  for (const key of ['Tab', 'Shift+Tab']) {
    const places = new Set();
    let last;
    for (let presses = 0; presses < 400; presses += 1) {
      await page.keyboard.press(key);
      const it = await focused(page);
      // Between the end and the beginning nothing has it; a date has it for each of its parts.
      if (!it || (it.place === last && it.isDate)) continue;
      assert.notEqual(it.place, last, `the focus is kept by “${it.name}” ${where}`);
      if (places.has(it.place)) break;
      places.add(it.place);
      last = it.place;
      assert.ok(it.isSeen, `${it.kind} “${it.name.slice(0, 80)}” is not seen ${where}`);
      assert.ok(it.isMarked, `${it.kind} “${it.name.slice(0, 80)}” is not marked ${where}`);
    }
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
    assert.ok(able > 2, `there is nothing ${where}`);
    assert.equal(places.size, able, `of ${able} elements, ${places.size} are reached by ${key} ${where}`);
  }
}

for (const [who, path] of [
  ['stranger', '/sign-in'], ['report', 'home'], ['report', 'report'], ['report', 'catalog/laptop'],
  ['report', 'me'], ['agent', 'desk/queue/all'], ['agent', 'desk/tickets/INC0000001'],
  ['agent', 'desk/tickets/INC0000001/do/edit'],
]) {
  rule(`whatever has the focus at ${path} is seen, and nothing keeps it`, async () => {
    await as(who, {}, async (page, context) => {
      await withoutHints(context);
      for (const width of [1280, 360]) {
        await page.setViewportSize({ width, height: 640 });
        await page.goto(at(path));
        await around(page);
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

rule('a laptop is ordered, approved, delivered and confirmed without a mouse', async () => {
  let number;
  let letter;
  await as('report', { refuses: [422] }, async (page, context) => {
    await withoutHints(context);
    await page.goto(at('home'));
    await around(page);
    await tabTo(page, /^Ask for something/);
    await enter(page);
    await around(page);
    await tabTo(page, /^Laptop/);
    await enter(page);
    await tabTo(page, /^When is it needed/);
    // The same in every order of day and month.
    await page.keyboard.type('04042027');
    await tabTo(page, 'Send the request');
    await enter(page);
    // What is wrong has the focus, and leads to the field.
    assert.match((await focused(page)).name, /^Please correct this\s+What is it for\?/);
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    assert.equal((await focused(page)).name, 'What is it for?');
    await page.keyboard.type('Visits to all the depots');
    await around(page);
    await tabTo(page, 'See what happens next');
    await enter(page);
    const { name } = await focused(page);
    for (const said of [/^What happens next/, /Victor Hale/, /Cost\s+1,450\.00 EUR/]) assert.match(name, said);
    await around(page);
    await tabTo(page, 'Send the request');
    letter = await linkBySending(people.requester, async () => {
      await enter(page);
      number = /REQ\d+/.exec(page.url())[0];
    }, 's', () => number);
    assert.match(await text(page), /Awaiting approval/);
    await around(page);
  });
  const votes = async (link) => as('stranger', {}, async (page) => {
    await page.goto(link);
    await around(page);
    await tabTo(page, /^Comment/);
    await page.keyboard.type('It is needed.');
    await tabTo(page, 'Agree');
    await enter(page);
    assert.match(await text(page), /Your vote was counted/);
    await around(page);
  });
  await votes(await linkBySending(people.finance, () => votes(letter), 's', () => number));
  await act(number, 'fulfill', { fulfillment_code: 'complete', fulfillment_notes: 'It is in your pigeonhole.' });
  await as('report', {}, async (page, context) => {
    await withoutHints(context);
    await page.goto(at('home'));
    await tabTo(page, new RegExp(`Fulfilled[^]*${number}`));
    await enter(page);
    assert.match(await text(page), /It is in your pigeonhole\./);
    await around(page);
    await tabTo(page, 'Yes, it works');
    await enter(page);
    await around(page);
  });
  assert.equal((await api('GET', `requests/${number}`)).state, 'closed');
});

rule('a draft over what somebody else has changed meanwhile shows both, and no mouse is needed', async () => {
  const number = await opened('The scanner of the archive beeps', { requester: people.report });
  const title = async () => (await api('GET', `incidents/${number}`)).short_description;
  /** Opens the form of the ticket and writes another title. */
  const rewrites = async (page, words) => {
    await page.goto(at(`desk/tickets/${number}`));
    await tabTo(page, 'Edit');
    await enter(page);
    // What Tab reaches is selected, so what is typed takes its place.
    await tabTo(page, 'Summary');
    await page.keyboard.type(words);
  };
  await as('agent', { refuses: [409] }, async (page, context) => {
    await withoutHints(context);
    await rewrites(page, 'The scanner beeps all day');
    await as('lead', {}, async (other) => {
      await rewrites(other, 'A scanner beeps');
      await tabTo(other, 'Save');
      await enter(other);
    });
    assert.equal(await title(), 'A scanner beeps');
    await page.reload();
    assert.equal((await tabTo(page, 'Summary')).value, 'The scanner beeps all day');
    await tabTo(page, 'Save');
    await enter(page);
    // What has changed has the focus, and what was written is kept below it.
    assert.match((await focused(page)).name, /A scanner beeps/);
    await around(page);
    assert.equal((await tabTo(page, 'Summary')).value, 'The scanner beeps all day');
    await tabTo(page, 'Save');
    await enter(page);
    assert.equal(await title(), 'The scanner beeps all day');
  });
});
