// What people of a desk do with many tickets, with the worst of them, and with what comes back, in a
// browser, with scripts and without.
import assert from 'node:assert/strict';
import { act, api, as, at, mine, opened, people, press, rule, text } from './world.mjs';

const REFUSED = [404, 422];

for (const javaScriptEnabled of [true, false]) {
  const how = javaScriptEnabled ? 'with scripts' : 'without scripts';
  const options = { refuses: REFUSED, javaScriptEnabled };

  rule(`what was solved and is not is opened again by whoever reported it, ${how}`, async () => {
    const number = await opened('The door of the annex squeaks', { requester: people.report });
    await act(number, 'assign', { team: 'revenue-systems', assignee: people.agent });
    await act(number, 'start');
    await act(number, 'resolve', { resolution_code: 'fixed', resolution_notes: 'It was oiled.' });
    await as('report', options, async (page) => {
      await page.goto(at(`my/${number}`));
      assert.match(await text(page), /It was oiled\./);
      await press(page, 'main a[href$="/do/reopen"]');
      await page.locator('main textarea').first().fill('It squeaks again.');
      await press(page, 'main form button.main');
      assert.match(await text(page), /It squeaks again\./);
    });
    assert.equal((await api('GET', `incidents/${number}`)).phase, 'open');
  });

  rule(`a basket of three is sent as one and becomes three requests, ${how}`, async () => {
    await as('report', options, async (page) => {
      for (const reason of ['The first', 'The second', 'The third']) {
        await page.goto(at('catalog/laptop'));
        await page.getByLabel('What is it for?').fill(`${reason}, ${how}`);
        await press(page, 'button[name=basket]');
      }
      await page.goto(at('basket'));
      assert.equal(await page.locator('main li.row').count(), 3);
      await press(page, 'main form button.main');
      await page.goto(at('basket'));
      assert.match(await text(page), /Your basket is empty\./);
    });
    const requests = (await api('GET', 'requests?limit=200&state=awaiting_approval')).items;
    const told = (one) => JSON.stringify(one).includes(`, ${how}"`);
    assert.equal(requests.filter(told).length, 3);
  });

  rule(`of twenty tickets, seventeen are solved at once and three say why not, ${how}`, async () => {
    const numbers = await Promise.all(Array.from({ length: 20 }, () => mine('The bell of the school is silent')));
    for (const [place, number] of numbers.entries()) {
      if (place < 3) await act(number, 'cancel', { reason: 'A mistake' });
      else await act(number, 'start');
    }
    const chosen = numbers.map((number) => `&ticket=${number}`).join('');
    const back = encodeURIComponent(new URL(at('desk/queue/mine?priority=5')).pathname + '?priority=5');
    await as('agent', options, async (page) => {
      await page.goto(at(`desk/bulk?action=resolve&back=${back}${chosen}`));
      assert.match(await text(page), /possible for 17 of the 20 selected tickets/);
      await page.locator('main select').first().selectOption({ index: 1 });
      await page.locator('main textarea').first().fill('The clock is set.');
      await press(page, 'main form button.main');
      assert.match(await text(page), /It was done to 17 of 20 tickets/);
      for (const number of numbers.slice(0, 3)) {
        assert.match(await page.locator(`li.row:has-text("${number}")`).innerText(), /refused/);
      }
      await press(page, 'main a[href*="desk/queue/mine"]');
      assert.match(page.url(), /desk\/queue\/mine\?priority=5$/);
    });
    const states = await Promise.all(numbers.map(async (number) => (await api('GET', `incidents/${number}`)).state));
    assert.deepEqual(states, [...Array(3).fill('cancelled'), ...Array(17).fill('resolved')]);
  });

  rule(`a ticket's what-if says what would be other, and changes nothing, ${how}`, async () => {
    const number = await opened('The fax is loud', { impact: 3, urgency: 3 });
    const { version } = await api('GET', `incidents/${number}`);
    await as('agent', options, async (page) => {
      await page.goto(at(`desk/tickets/${number}`));
      await press(page, 'a[href$="/what-if"]');
      await page.getByLabel('Impact').selectOption('1');
      await page.getByLabel('Urgency').selectOption('1');
      await press(page, 'main form button');
      assert.match(await page.locator('#answer .differs').first().innerText(), /Priority\s+P5\s+P1/);
    });
    assert.equal((await api('GET', `incidents/${number}`)).version, version);
  });

  rule(`nothing of another client is found by its address, ${how}`, async () => {
    await as('agent', options, async (page) => {
      for (const path of ['desk/tickets/INC0000001', 'desk/queue/all', 'home', 'my/INC0000001']) {
        assert.equal((await page.goto(at(`/o/fennel-foods/${path}`))).status(), 404, path);
      }
    });
  });
}

/** Changes fields of an incident. */
async function edited(number, fields) {
  const { version } = await api('GET', `incidents/${number}`);
  await api('PATCH', `incidents/${number}`, fields, { 'if-match': `"${version}"` });
}

rule('a major incident is told to everybody until it is over, and what belongs to it says so', async () => {
  const major = await opened('The switchboard is dead', { requester: people.requester });
  const part = await opened('I cannot telephone', { requester: people.report });
  await act(major, 'propose_major', { reason: 'Nobody can be reached.' });
  await as('report', {}, async (page) => {
    await page.goto(at('home'));
    assert.doesNotMatch(await text(page), /The switchboard is dead/, 'it is only proposed');
  });
  await act(major, 'accept_major', {
    manager: people.agent,
    communication_owner: people.agent,
    next_update_at: new Date(Date.now() + 3_600_000).toISOString(),
  });
  await edited(part, { parent: major });
  await as('agent', { refuses: REFUSED }, async (page) => {
    await page.goto(at(`desk/major/${major}`));
    assert.match(await text(page), /Incidents that belong to it 1/);
    await page.locator('main textarea').first().fill('A technician is on the way.');
    // In the agent's zone it is at most two hours less.
    const soon = new Date(Date.now() + 3 * 3_600_000).toISOString().slice(0, 16);
    await page.getByLabel('Next update at').fill(soon);
    await press(page, 'main form:has(textarea) button');
    assert.match(await text(page), /A technician is on the way\./);
  });
  await as('report', {}, async (page) => {
    await page.goto(at('home'));
    assert.match(await text(page), /What is down now.*The switchboard is dead.*A technician is on the way\./);
    await page.goto(at(`my/${part}`));
    assert.match(await text(page), /Part of a major incident.*The switchboard is dead/);
  });
  await act(major, 'resolve', { resolution_code: 'fixed', resolution_notes: 'A new power supply.' });
  await as('report', {}, async (page) => {
    await page.goto(at('home'));
    assert.doesNotMatch(await text(page), /The switchboard is dead/);
  });
});

rule('three people in three zones read the same moment of a ticket', async () => {
  const zones = { requester: 'Asia/Tokyo', report: 'Europe/London', lead: 'America/Lima' };
  const number = await opened('The barometer is wrong', { requester: people.report });
  await edited(number, { watchers: [people.requester] });
  const known = (await api('GET', 'people?limit=200')).items;
  const read = [];
  for (const [who, zone] of Object.entries(zones)) {
    const { id } = known.find((person) => person.email === people[who]);
    const { version } = await api('GET', `people/${id}`);
    await api('PATCH', `people/${id}`, { zone }, { 'if-match': `"${version}"` });
    await as(who, {}, async (page) => {
      await page.goto(at(who === 'lead' ? `desk/tickets/${number}` : `my/${number}`));
      const time = page.locator('ol.entries time').last();
      read.push(await time.evaluate((it) => [it.dateTime, it.title]));
    });
  }
  assert.equal(new Set(read.map(([machine]) => machine)).size, 1, JSON.stringify(read));
  for (const [place, zone] of Object.values(zones).entries()) {
    assert.ok(read[place][1].endsWith(`(${zone})`), read[place][1]);
  }
});
