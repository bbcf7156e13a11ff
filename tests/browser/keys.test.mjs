// What scripts add: keys, the palette, drafts that survive, and hints.
import assert from 'node:assert/strict';
import { act, api, as, at, enter, mine, people, press, rule, solvedByKeys } from './world.mjs';

const stateOf = async (number) => (await api('GET', `incidents/${number}`)).state;

rule('an agent solves a ticket of the queue by at most eight presses and what they write', async () => {
  const number = await mine('The scanner of the post room beeps');
  await as('agent', {}, async (page) => {
    await page.goto(at('desk/queue/mine?text=post+room+beeps'));
    let presses = 0;
    await solvedByKeys(page, async (name) => {
      presses += 1;
      await page.keyboard.press(name);
    });
    assert.ok(presses <= 8, `${presses} presses`);
  });
  assert.equal(await stateOf(number), 'resolved');
});

rule('each key of the list does what it says, and none does anything in a field', async () => {
  const number = await mine('The scanner of the tax office beeps');
  await as('agent', {}, async (page) => {
    await page.goto(at(`desk/tickets/${number}`));
    await page.keyboard.press('?');
    await page.waitForSelector('#keys[open]');
    assert.match(await page.textContent('#keys'), /Edit/);
    await page.keyboard.press('Escape');
    await page.keyboard.press('n');
    await page.keyboard.type('gq s e');
    assert.equal(await page.inputValue('details.internal textarea'), 'gq s e');
    assert.match(page.url(), new RegExp(`${number}$`));
    await page.keyboard.press('Escape');
    await page.keyboard.press('g');
    await Promise.all([page.waitForURL(/queue\/unassigned/), page.keyboard.press('q')]);
  });
});

rule('keys that are off do nothing', async () => {
  await as('lead', { isFresh: true }, async (page) => {
    await page.goto(at('me'));
    await page.check('#looks-keys-2');
    await press(page, 'form[action$=looks] button');
    await page.goto(at('desk/queue/all'));
    await page.keyboard.press('j');
    await page.keyboard.press('?');
    await page.keyboard.press('Control+k');
    assert.equal(await page.locator('dialog').count(), 0);
    assert.equal(await page.evaluate(() => document.activeElement.tagName), 'BODY');
  });
});

rule('the palette finds what is on the page by its words', async () => {
  await as('agent', {}, async (page) => {
    await page.goto(at('desk/queue/all'));
    await page.keyboard.press('Control+k');
    await page.keyboard.type('unassi');
    assert.match(await page.textContent('#palette ul'), /Unassigned/);
    await Promise.all([page.waitForURL(/queue\/unassigned/), page.keyboard.press('Enter')]);
    await page.keyboard.press('Control+k');
    await page.keyboard.type('zzzz');
    await page.waitForSelector('#palette [role=status]:not([hidden])');
    await page.keyboard.press('Escape');
    assert.equal(await page.locator('#palette[open]').count(), 0);
  });
});

rule('rows are selected by keys, several of them with Shift', async () => {
  await as('agent', {}, async (page) => {
    await page.goto(at('desk/queue/all'));
    for (const key of ['j', 'x', 'j', 'j', 'Shift+X']) await page.keyboard.press(key);
    assert.equal(await page.locator('td.pick input:checked').count(), 3);
  });
});

rule('what was written is there after a reload, gone once it is sent, and nobody else sees it', async () => {
  const number = await mine('The scanner of the canteen beeps');
  await as('agent', { isFresh: true }, async (page) => {
    await page.goto(at(`desk/tickets/${number}`));
    await page.keyboard.press('r');
    await page.keyboard.type('We are on our way.');
    await page.reload();
    assert.equal(await page.inputValue('#reply-text'), 'We are on our way.');
    assert.ok(await page.isVisible('#draft'));
    // Somebody else in the same browser finds nothing of it.
    const kept = await page.evaluate(() => JSON.stringify(localStorage));
    assert.match(kept, /on our way/);
    await press(page, 'form[action$=comment] button');
    assert.equal(await page.inputValue('#reply-text'), '');
    assert.ok(!(await page.isVisible('#draft')));
    await page.keyboard.press('n');
    await page.keyboard.type('A secret of the desk.');
    await enter(page, people.lead);
    await page.goto(at(`desk/tickets/${number}`));
    assert.equal(await page.inputValue('#note-text'), '');
    assert.doesNotMatch(await page.evaluate(() => JSON.stringify(localStorage)), /secret/);
  });
});

rule('what was chosen beside what was written is there after a reload, until it is discarded', async () => {
  const number = await mine('The scanner of the court beeps');
  await as('agent', {}, async (page) => {
    const shown = async () => [
      await page.inputValue('#do-short_description'),
      await page.inputValue('#do-impact'),
      await page.locator('main input[type=radio]').nth(1).isChecked(),
    ];
    await page.goto(at(`desk/tickets/${number}/do/edit`));
    const first = await shown();
    await page.fill('#do-short_description', 'It beeps all day');
    await page.selectOption('#do-impact', '1');
    await page.locator('main input[type=radio]').nth(1).check();
    await page.goto(at('desk'));
    await page.goto(at(`desk/tickets/${number}/do/edit`));
    assert.deepEqual(await shown(), ['It beeps all day', '1', true]);
    await press(page, '#draft button');
    assert.deepEqual(await shown(), first);
    assert.notDeepEqual(first, ['It beeps all day', '1', true]);
  });
});

rule('signing out leaves no draft behind', async () => {
  const number = await mine('The scanner of the museum beeps');
  await as('agent', { isFresh: true }, async (page) => {
    await page.goto(at(`desk/tickets/${number}`));
    await page.keyboard.press('r');
    await page.keyboard.type('Not for the next one here.');
    await press(page, '.top form[action="/sign-out"] button');
    assert.equal(await page.evaluate(() => localStorage.length), 0);
  });
});

rule('whoever looks at a ticket is told of what others do, and keeps what they write', async () => {
  const number = await mine('The scanner of the library beeps');
  await as('agent', {}, async (page) => {
    await page.goto(at(`desk/tickets/${number}`));
    await page.keyboard.press('r');
    await page.keyboard.type('I am writing');
    await act(number, 'note', { text: 'Somebody else was here.' });
    await page.waitForSelector('#news .notice');
    await page.keyboard.type(' all the time.');
    assert.equal(await page.inputValue('#reply-text'), 'I am writing all the time.');
    await page.click('#news a');
    await page.waitForFunction(() => /Somebody else was here/.test(document.body.textContent));
    assert.equal(await page.inputValue('#reply-text'), 'I am writing all the time.');
  });
});

rule('without a line for hints, the page looks from time to time', async () => {
  const number = await mine('The scanner of the theatre beeps');
  await as('agent', { refuses: [503] }, async (page) => {
    await page.clock.install();
    await page.route('**/live?*', (route) => route.fulfill({ status: 503 }));
    await page.goto(at(`desk/tickets/${number}`));
    await act(number, 'note', { text: 'Nobody hints at this.' });
    await page.clock.runFor(45_000);
    await page.waitForSelector('#news .notice');
  });
});
