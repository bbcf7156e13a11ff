// What people do, in a browser, with scripts and without.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { request } from 'playwright-core';
import { ask } from './pages.mjs';
import { act, api, as, at, countOf, linkBySending, mine, opened, people, press, rule, text } from './world.mjs';

const REFUSED = [422];

for (const javaScriptEnabled of [true, false]) {
  const how = javaScriptEnabled ? 'with scripts' : 'without scripts';
  const word = javaScriptEnabled ? 'stapler' : 'shredder';
  const refused = { refuses: REFUSED, javaScriptEnabled };

  rule(`a report like an open ticket of one's own is asked about before it is sent, ${how}`, async () => {
    const before = await opened(`The ${word} of the annex is out of order`);
    await as('report', refused, async (page) => {
      await page.goto(at('home'));
      await press(page, 'main a[href$="/report"]');
      await press(page, 'main form button');
      assert.match(await text(page), /Please correct this/);
      await page.getByLabel('What is wrong?').fill(`Our ${word} is broken`);
      await page.getByLabel('What happens, and since when?').fill('It hums.');
      await press(page, 'main form button');
      assert.match(await text(page), new RegExp(`Is it one of these\\?.*${before}`));
      assert.equal(await countOf(`Our ${word}`), 0);
      await press(page, 'main form button');
      assert.match(await text(page), /Thank you, we have received it.*It hums\./);
      assert.equal(await countOf(`Our ${word}`), 1);
    });
  });

  rule(`an order with a wrong answer is asked about, then approved by those who pay, ${how}`, async () => {
    let number;
    await as('report', refused, async (page) => {
      await page.goto(at('catalog'));
      await press(page, 'main a[href$="/laptop"]');
      await page.getByLabel('When is it needed?').fill('2027-01-04');
      await press(page, 'main form button.main');
      assert.match(await text(page), /Please correct this What is it for\?/);
      assert.equal(await page.getByLabel('When is it needed?').inputValue(), '2027-01-04');
      await page.getByLabel('What is it for?').fill(`Visits with a ${word}`);
      await press(page, 'main form button.main');
      number = /REQ\d+/.exec(page.url())[0];
      assert.match(await text(page), /Awaiting approval/);
    });
    for (const voter of ['requester', 'finance']) {
      await as(voter, refused, async (page) => {
        await page.goto(at('approvals'));
        await press(page, `main a.row:has-text("${number}")`);
        await press(page, 'button[value=reject]');
        assert.match(await text(page), /Please correct this/);
        await page.getByLabel('Comment').fill('It is needed.');
        await press(page, 'button[value=approve]');
        assert.match(await text(page), /Your vote is cast\./);
      });
    }
    await as('report', refused, async (page) => {
      await page.goto(at(`my/${number}`));
      assert.match(await page.locator('.standing').innerText(), /Being fulfilled/);
    });
  });

  rule(`pressing twice sends a report once, ${how}`, async () => {
    await as('report', { javaScriptEnabled }, async (page) => {
      // Of words so short that no other report is like it.
      const title = javaScriptEnabled ? 'The gnu is out' : 'The emu is out';
      await page.goto(at('report'));
      await page.getByLabel('What is wrong?').fill(title);
      await page.locator('main form button').dblclick();
      // The first press may be cut off by the second, so no single load can be waited for.
      await page.locator('.standing').waitFor();
      assert.match(page.url(), /\/my\/INC/);
      assert.equal(await countOf(title), 1);
    });
  });
}

rule('whoever presses again while their password is looked at stays signed in', async () => {
  const password = 'correct horse battery staple';
  await as('careful', { isFresh: true }, async (page, context) => {
    await page.goto(at('me/password'));
    for (const field of await page.locator('input[type=password]').all()) await field.fill(password);
    await press(page, 'main form button');
    await page.goto(at('me/again?next=/o/marlow-county/approvals'));
    await page.fill('#password', password);
    // The answer takes long, and with it what the browser has to keep from now on.
    const line = await context.newCDPSession(page);
    await line.send('Network.enable');
    const slow = { offline: false, latency: 3000, downloadThroughput: -1, uploadThroughput: -1 };
    await line.send('Network.emulateNetworkConditions', slow);
    const before = await request.newContext({ storageState: await context.storageState() });
    const { x, y } = await page.locator('main form button').first().boundingBox();
    await page.mouse.click(x + 5, y + 5);
    let status = 200;
    for (let tries = 0; tries < 500 && status === 200; tries += 1) {
      status = (await before.get(at('home'), { maxRedirects: 0 })).status();
    }
    assert.notEqual(status, 200, 'the first press has not arrived');
    await before.dispose();
    await page.mouse.click(x + 5, y + 5);
    await page.waitForURL((address) => !address.pathname.endsWith('/again'));
    assert.equal(page.url(), at('approvals'));
  });
});

rule('what is done to several tickets says which of them refuse it', async () => {
  const title = 'The clock in the hall is late';
  const [first, second, third] = [await mine(title), await mine(title), await mine(title)];
  await act(first, 'start');
  await act(second, 'start');
  await act(third, 'cancel', { reason: 'A mistake' });
  await as('agent', { refuses: REFUSED }, async (page) => {
    await page.goto(at('desk/queue/mine'));
    for (const number of [first, second]) await page.locator(`#pick-${number}`).check();
    await page.selectOption('#bulk-action', 'resolve');
    // Closed meanwhile, with the page still open at somebody's desk.
    await page.goto(at(`desk/bulk?action=resolve&ticket=${first}&ticket=${second}&ticket=${third}`));
    assert.match(await text(page), /possible for 2 of the 3 selected tickets/);
    await press(page, 'main form button.main');
    assert.match(await text(page), /Please correct this/);
    await page.locator('main select').first().selectOption({ index: 1 });
    await page.locator('main textarea').first().fill('Done in one go.');
    await press(page, 'main form button.main');
    assert.match(await text(page), /It was done to 2 of 3 tickets/);
    assert.match(await page.locator(`li.row:has-text("${third}")`).innerText(), /refused/);
  });
  for (const [number, state] of [[first, 'resolved'], [second, 'resolved'], [third, 'cancelled']]) {
    assert.equal((await api('GET', `incidents/${number}`)).state, state);
  }
});

rule('behind signing out, Back shows nothing of the page', async () => {
  await as('report', { isFresh: true }, async (page) => {
    await page.goto(at('home'));
    assert.match(await text(page), /Hello Jonas/);
    await press(page, 'form[action="/sign-out"] button');
    assert.equal(page.url(), at('/sign-in'));
    await page.goBack();
    await page.waitForURL(/\/sign-in/);
    assert.doesNotMatch(await text(page), /Jonas/);
  });
});

rule('a link that a program has opened still signs its owner in, once', async () => {
  const link = await linkBySending(people.finance, () => ask(people.finance));
  for (const method of ['GET', 'HEAD', 'GET']) assert.equal((await fetch(link, { method })).status, 200);
  await as('stranger', { refuses: [410] }, async (page) => {
    await page.goto(link);
    await press(page, 'main form button');
    assert.match(await text(page), /Hello Martin/);
    assert.equal((await page.goto(link)).status(), 410);
  });
});

rule('a form that a foreign page posts changes nothing', async () => {
  const number = await opened('The foreign page', { requester: people.report });
  const target = at(`my/${number}/do/caller_reply`);
  const form = `<form method="post" action="${target}"><input name="text" value="Foreign words">
    <input name="_once" value="foreign"><button>Win a prize</button></form>`;
  const foreign = createServer((_, answer) => {
    answer.setHeader('content-type', 'text/html').end(form);
  });
  await new Promise((resolve) => foreign.listen(0, '127.0.0.1', resolve));
  try {
    // Another port is another origin of the same site, which is sent the cookie; another name is
    // another site.
    for (const host of ['127.0.0.1', 'localhost']) {
      await as('report', { refuses: [403, 404] }, async (page) => {
        const statuses = [];
        page.on('response', (it) => it.url() === target && statuses.push(it.status()));
        await page.goto(`http://${host}:${foreign.address().port}/`);
        await press(page, 'button');
        assert.deepEqual(statuses, [403]);
        // Asking for the foreign page itself is no fault here.
        page.faults = page.faults.filter((fault) => !fault.includes('asked for'));
        await page.goto(at(`my/${number}`));
        assert.doesNotMatch(await text(page), /Foreign words/);
      });
    }
  } finally {
    foreign.close();
  }
});

rule('whoever prefers German reads German, on every page that they meet', async () => {
  await as('report', { locale: 'de-DE', refuses: [403, 422] }, async (page) => {
    for (const path of ['home', 'report', 'catalog', 'catalog/laptop', 'my', 'approvals', 'me', 'desk/queue/all']) {
      await page.goto(at(path));
      assert.equal(await page.getAttribute('html', 'lang'), 'de', path);
      // What people have written is in the language that they wrote it in.
      const own = (await page.locator('header, h1, h2, legend, button, thead').allInnerTexts()).join(' ');
      assert.doesNotMatch(own, /\b(Sign out|Home|My|Your|Send|Search|Priority|State|the)\b/, path);
    }
    await page.goto(at('report'));
    await press(page, 'main form button');
    assert.match(await text(page), /Bitte/);
    await page.getByLabel('Was funktioniert nicht?').fill('Der Drucker im Keller');
    await press(page, 'main form button');
    assert.match(page.url(), /\/my\/INC/);
  });
  await as('stranger', { locale: 'de-AT' }, async (page) => {
    await page.goto(at('home'));
    assert.match(await text(page), /E-Mail-Adresse/);
  });
});

rule('people in two zones read the same moment of a ticket, each in their own', async () => {
  const sofia = 'sofia.mendes@marlow.example';
  const number = await opened('The sundial is wrong', { requester: sofia });
  const zones = { 'sofia.mendes@marlow.example': 'Asia/Tokyo', 'yara.sandoval@marlow.example': 'America/Lima' };
  const known = (await api('GET', 'people?limit=200')).items;
  for (const [email, zone] of Object.entries(zones)) {
    const { id, version } = known.find((person) => person.email === email);
    await api('PATCH', `people/${id}`, { zone }, { 'if-match': `"${version}"` });
  }
  people.sofia = sofia;
  const read = [];
  for (const [who, path] of [['sofia', `my/${number}`], ['lead', `desk/tickets/${number}`]]) {
    await as(who, {}, async (page) => {
      await page.goto(at(path));
      read.push(await page.locator('ol.entries time').last().evaluate((it) => [it.dateTime, it.title]));
    });
  }
  const [[machine, tokyo], [same, lima]] = read;
  assert.equal(machine, same);
  assert.match(tokyo, /\(Asia\/Tokyo\)$/);
  assert.match(lima, /\(America\/Lima\)$/);
  // Fourteen hours apart, all year round.
  const hour = (words) => Number(/(\d+):\d\d:\d\d/.exec(words)[1]);
  assert.equal((hour(tokyo) - hour(lima) + 24) % 24, 14);
});
