// Every page that there is, with addresses at which each kind of person meets it.
import { readFileSync } from 'node:fs';
import { act, api, invitation, linkBySending, opened, ordered, people, press, told, at } from './world.mjs';

const ROUTES = told('WAYPOST_TEST_ROUTES');

/** The routes that answer to GET, as the router of the pages names them. */
export function routes() {
  const source = readFileSync(ROUTES, 'utf8');
  const rows = source.matchAll(/"(\/[^"]*)" =>\s*([^,]+),/g);
  return [...rows].filter(([, , methods]) => /\bget\(/.test(methods)).map(([, path]) => path);
}

/**
 * The addresses of each route; a route without any is not a page. Fills the desk with what they
 * show.
 */
export async function samples() {
  const own = await opened('The cutter in the print room is blunt', {
    requester: people.requester,
    description: 'It tears the paper.\n\n- posters\n- **tickets**\n\nSee https://example.com/a?b=c&d=e.',
  });
  await act(own, 'comment', { text: 'We order new blades.' });
  await act(own, 'note', { text: 'Third time this year.' });
  const solved = await opened('The lamp above the copier flickers', { requester: people.requester });
  await act(solved, 'assign', { team: 'revenue-systems', assignee: people.agent });
  await act(solved, 'start');
  await act(solved, 'resolve', { resolution_code: 'fixed', resolution_notes: 'A new lamp.' });
  const held = await opened('The blinds of room 4 are stuck', { requester: people.requester });
  await act(held, 'hold', { awaiting: 'caller', comment: 'Which of the windows?' });
  const problem = (await api('POST', 'problems', { short_description: 'Card readers restart' })).number;
  await api('POST', `problems/${problem}/tasks`, { short_description: 'Ask the vendor' });
  await act(own, 'link', { link_type: 'related_to', target: solved });
  const major = await opened('The whole annex is offline', { requester: people.requester });
  await act(major, 'propose_major', { reason: 'Nobody there can work.' });
  const asked = await ordered(people.report, 'A laptop for the roads depot');
  const approvals = await api('GET', `requests/${asked}/approvals`);
  const vote = approvals.items[0].stages[0].steps[0].requests[0].id;
  const request = await ordered(people.requester, 'A laptop for the annex');
  const mailed = await linkBySending(people.guest, () => ask(people.guest));
  const title = 'A laptop to vote on';
  const voting = await linkBySending(people.requester, () => ordered(people.report, title), 's', () => title);
  return {
    '/': ['/'],
    '/assets/{name}': [],
    '/accessibility': ['/accessibility'],
    '/s/{secret}': ['/s/used-up', new URL(voting).pathname],
    '/voted': ['/voted?as=approve&lang=en', '/voted?as=reject&lang=de', '/voted?as=nonsense'],
    '/sign-in': ['/sign-in', '/sign-in?next=/o/marlow-county/my'],
    '/sign-in/link/{secret}': ['/sign-in/link/used-up', new URL(mailed).pathname],
    '/setup/{secret}': [new URL(invitation(people.guest)).pathname],
    '/o/{org}': ['/o/marlow-county', '/o/nobody-has-this'],
    '/o/{org}/home': ['home'],
    '/o/{org}/search': ['search', 'search?q=laptop', 'search?q=nothing+like+it'],
    '/o/{org}/report': ['report?q=Mail'],
    '/o/{org}/catalog': ['catalog'],
    '/o/{org}/catalog/{item}': ['catalog/laptop', 'catalog/monitor'],
    '/o/{org}/basket': ['basket'],
    '/o/{org}/my': ['my', 'my?show=waiting', 'my?show=done', 'my?show=all'],
    '/o/{org}/my/{number}': [own, solved, held, request].map((number) => `my/${number}`),
    '/o/{org}/my/{number}/do/{action}': [`my/${solved}/do/reopen`, `my/${request}/do/cancel`],
    '/o/{org}/tickets/{number}': [`tickets/${own}`],
    '/o/{org}/approvals': ['approvals'],
    '/o/{org}/approvals/{request}': [`approvals/${vote}`],
    '/o/{org}/me': ['me'],
    '/o/{org}/me/again': ['me/again?next=me'],
    '/o/{org}/me/password': ['me/password'],
    '/o/{org}/accessibility': ['accessibility'],
    '/o/{org}/live': [],
    '/o/{org}/desk': ['desk'],
    '/o/{org}/desk/queue': ['desk/queue'],
    '/o/{org}/desk/queue/{view}': ['all', 'mine', 'unassigned', 'team-revenue-systems', 'all?text=zzz', 'all?priority=1',
      'all?waiting_on=team&order=opened']
      .map((view) => `desk/queue/${view}`),
    '/o/{org}/desk/problems': ['desk/problems', 'desk/problems?of=known'],
    '/o/{org}/desk/tasks': ['desk/tasks', 'desk/tasks?of=mine'],
    '/o/{org}/desk/major/{number}': [`desk/major/${major}`],
    '/o/{org}/desk/search': ['desk/search?text=card', 'desk/search?text=zzz'],
    '/o/{org}/desk/organizations': ['desk/organizations'],
    '/o/{org}/desk/bulk': [`desk/bulk?action=resolve&ticket=${own}&ticket=${solved}`],
    '/o/{org}/desk/new': ['desk/new'],
    '/o/{org}/desk/new/{kind}': ['incident', 'request', 'problem']
      .map((kind) => `desk/new/${kind}`),
    '/o/{org}/desk/tickets/{number}': [own, held, request, problem]
      .map((number) => `desk/tickets/${number}`).concat(`desk/tickets/${own}?history=said`),
    '/o/{org}/desk/tickets/{number}/what-if': [`desk/tickets/${own}/what-if`,
      `desk/tickets/${own}/what-if?impact=1&urgency=1`],
    '/o/{org}/desk/tickets/{number}/tasks/new': [`desk/tickets/${own}/tasks/new`],
    '/o/{org}/desk/tickets/{number}/do/{action}': ['resolve', 'edit', 'assign', 'hold', 'triage']
      .map((action) => `desk/tickets/${own}/do/${action}`),
  };
}

/** Asks for a link to sign in with, as the form does. */
export const ask = (email) =>
  fetch(at('/sign-in'), {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', origin: at('/').slice(0, -1) },
    body: new URLSearchParams({ email }),
  });

/** Pages that are shown only when something was pressed: whose, where, and what is done there. */
export const PRESSED = [
  ['stranger', '/sign-in', (page) => press(page, 'main form button'), 422],
  ['requester', 'report', (page) => press(page, 'main form button'), 422],
  ['requester', 'report', async (page) => {
    await page.fill('main input[type=text]', 'The cutter of the print room again');
    await press(page, 'main form button');
  }, 200],
  ['requester', 'catalog/laptop', (page) => press(page, 'main form button'), 422],
  ['requester', 'catalog/monitor', (page) => press(page, 'button[name=basket]'), 200],
  ['requester', 'approvals', async (page) => {
    await press(page, 'main a.row');
    await press(page, 'button[value=reject]');
  }, 422],
  ['requester', 'me', (page) => press(page, 'form[action$=delegations] button'), 422],
  ['agent', 'desk/new/incident', (page) => press(page, 'main form button'), 422],
  ['agent', 'desk/queue/all', async (page) => {
    await page.locator('td.pick input').nth(1).check();
    await page.selectOption('#bulk-action', 'resolve');
    await press(page, '#bulk button');
    await press(page, 'main form button');
  }, 422],
];
