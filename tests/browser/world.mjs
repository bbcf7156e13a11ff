// The world of the page tests: a browser, the people of the demo's desk, and what must happen on no
// page, whoever looks at it.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { after, test } from 'node:test';
import { chromium, request } from 'playwright-core';

/** Longer than the slowest rule takes on a machine that is busy. */
const PATIENCE_MS = 240_000;
/** Longer than the slowest page takes. */
const STEP_MS = 20_000;

export const base = told('WAYPOST_TEST_URL');
const home = '/o/marlow-county';
const mail = `${told('WAYPOST_TEST_DATA')}/mail`;

/** Who the tests are. */
export const people = {
  requester: 'victor.hale@marlow.example',
  report: 'jonas.weiss@marlow.example',
  finance: 'martin.keane@marlow.example',
  agent: 'kofi.brenner@marlow.example',
  lead: 'yara.sandoval@marlow.example',
  // Nobody signs in as this one: a new link would end the ones that are looked at.
  guest: 'nora.bell@marlow.example',
  // Sets a password, which ends every other sign-in.
  careful: 'aisha.rahman@marlow.example',
  stranger: null,
};

/** What is told by the environment; `cargo xtask browser` sets it. */
export function told(name) {
  const value = process.env[name];
  assert.ok(value, `${name} is not set; run the tests by \`cargo xtask browser\``);
  return value;
}

/** The address of a page of the organization: `home`, or of any: `/sign-in`. */
export const at = (path) => (path.startsWith('/') ? base + path : `${base}${home}/${path}`);

/** A rule that pages keep; what is wrong in it ends it. */
export const rule = (name, body) => test(name, { timeout: PATIENCE_MS }, body);

const browsers = new Map();

/** The browser of this file, or one with further arguments. */
export function browser(...args) {
  const key = args.join(' ');
  if (!browsers.has(key)) {
    // As root, Chromium has no sandbox.
    const all = process.getuid?.() === 0 ? ['--no-sandbox', ...args] : args;
    browsers.set(key, chromium.launch({ executablePath: told('WAYPOST_TEST_CHROMIUM'), args: all }));
  }
  return browsers.get(key);
}

after(async () => {
  for (const one of browsers.values()) await (await one).close();
});

/**
 * Lets a person look at pages, and fails if anything happened that must not: a script that ran or
 * failed, something against the policy of the page, a request to another host. `refuses` are the
 * statuses that the browser may complain about.
 */
export async function as(who, options, story) {
  const { refuses = [], args = [], isFresh = false, ...rest } = options;
  const storageState = isFresh ? undefined : await signedIn(people[who]);
  const context = await (await browser(...args)).newContext({
    locale: 'en-GB',
    viewport: { width: 1280, height: 800 },
    // Colours that are still on their way to others are nobody's fault.
    reducedMotion: 'reduce',
    storageState,
    ...rest,
  });
  try {
    const page = await watched(context);
    page.refuses = refuses;
    if (isFresh) await enter(page, people[who]);
    const result = await story(page, context);
    assert.deepEqual(page.faults, []);
    return result;
  } finally {
    await context.close();
  }
}

async function watched(context) {
  await context.addInitScript(() => {
    addEventListener('securitypolicyviolation', (event) => {
      console.error(`the policy of the page forbids ${event.violatedDirective} ${event.blockedURI}`);
    });
  });
  const page = await context.newPage();
  page.setDefaultTimeout(STEP_MS);
  page.faults = [];
  const fault = (what) => page.faults.push(`${page.url()}: ${what}`);
  page.on('console', (message) => {
    const status = Number(/status of (\d+)/.exec(message.text())?.[1]);
    if (message.type() === 'error' && !page.refuses.includes(status)) fault(message.text());
  });
  page.on('pageerror', (error) => fault(error.message));
  page.on('dialog', async (dialog) => {
    fault(`a dialog says ${dialog.message()}`);
    await dialog.dismiss();
  });
  page.on('request', (sent) => {
    if (new URL(sent.url()).origin !== base) fault(`asked for ${sent.url()}`);
  });
  return page;
}

const states = new Map();

/** What a browser keeps in which a person is signed in; one for all tests of a file. */
function signedIn(email) {
  if (email && !states.has(email)) {
    states.set(email, (async () => {
      const asking = await request.newContext();
      await asking.post(invitation(email), { headers: { origin: base } });
      const state = await asking.storageState();
      await asking.dispose();
      return state;
    })());
  }
  return states.get(email);
}

/** Signs a person in by a link of their own, as with a browser that nobody else uses. */
export async function enter(page, email) {
  await page.goto(invitation(email));
  await press(page, 'main form button');
}

/** A link with which an administrator lets somebody in. */
export function invitation(email) {
  const words = ['person', 'invite', '--org', 'marlow-county', '--email', email];
  const options = ['--data', told('WAYPOST_TEST_DATA'), '--set', `public_url=${base}`, '--json'];
  return JSON.parse(execFileSync(told('WAYPOST_TEST_PROGRAM'), [...options, ...words])).link;
}

/**
 * The link of the letter that somebody is sent next: to sign in, or `s` to vote. `about` says what
 * the letter holds, once it is sent for.
 */
export async function linkBySending(email, send, place = 'sign-in/link', about = () => '') {
  const before = new Set(readdirSync(mail, { recursive: true }));
  await send();
  const held = about();
  for (let waits = 0; waits < 100; waits += 1) {
    for (const name of readdirSync(mail, { recursive: true })) {
      if (before.has(name)) continue;
      const letter = readFileSync(`${mail}/${name}`, 'utf8').replace(/=\r?\n/g, '');
      const link = new RegExp(`https?://\\S+/${place}/[\\w-]+`).exec(letter)?.[0];
      if (link && letter.includes(email) && letter.includes(held)) return link;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`no letter with a link came for ${email}`);
}

/** Asks the API, as an administrator. */
export async function api(method, path, body, headers = {}) {
  const answer = await fetch(`${base}/api/v1/${path}`, {
    method,
    headers: {
      authorization: `Bearer ${told('WAYPOST_TEST_TOKEN')}`,
      'content-type': 'application/json',
      ...headers,
    },
    body: body && JSON.stringify(body),
  });
  const said = await answer.text();
  assert.ok(answer.ok, `${method} ${path}: ${answer.status} ${said}`);
  return said && JSON.parse(said);
}

/** Opens an incident and says its number. */
export async function opened(title, more = {}) {
  const fields = { requester: people.report, short_description: title, ...more };
  return (await api('POST', 'incidents', fields)).number;
}

/** Asks for a laptop in somebody's name, and says its number. */
export async function ordered(email, title) {
  return (await api('POST', 'requests', {
    requester: email,
    channel: 'portal',
    short_description: title,
    catalog_item: 'laptop',
    answers: { reason: 'My PC stays at the desk.' },
  })).number;
}

/** Does something to a ticket. */
export const act = (number, action, input = {}) =>
  api('POST', `${collection(number)}/${number}/actions/${action}`, input);

const collection = (number) =>
  ({ INC: 'incidents', REQ: 'requests', PRB: 'problems', TSK: 'tasks' })[number.slice(0, 3)];

/** An incident that waits for the agent. */
export async function mine(title) {
  const number = await opened(title, { requester: people.requester });
  await act(number, 'assign', { team: 'revenue-systems', assignee: people.agent });
  return number;
}

/** Solves the first ticket of the list that is shown, by keys; `key` presses one. */
export async function solvedByKeys(page, key) {
  await key('j');
  await Promise.all([page.waitForURL(/tickets\/INC/), key('Enter')]);
  await Promise.all([page.waitForURL(/do\/resolve/), key('s')]);
  await key('f');
  await key('Tab');
  await page.keyboard.type('It had lost its paper.');
  await Promise.all([page.waitForURL(/done=resolve/), key('Control+Enter')]);
}

/** How many tickets say this. */
export async function countOf(text) {
  return (await api('GET', `tickets?limit=200&text=${encodeURIComponent(text)}`)).items.length;
}

/** Presses a button or follows a link, and waits for the page that comes of it. */
export async function press(page, selector) {
  await Promise.all([page.waitForEvent('domcontentloaded'), page.locator(selector).first().click()]);
  await page.waitForLoadState();
}

/** A line for hints is open as long as the page; without one, nothing comes by itself. */
export const withoutHints = (context) => context.route('**/live?*', (route) => route.fulfill({ status: 204 }));

/** What can be read on a page. */
export const text = async (page) => (await page.locator('body').innerText()).replace(/\s+/g, ' ');

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

/** What axe finds against a page as it is shown now. */
export async function violations(page) {
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(axe);
  const found = await page.evaluate(async (values) => {
    const options = { runOnly: { type: 'tag', values }, resultTypes: ['violations'] };
    return (await axe.run(options)).violations;
  }, TAGS);
  return found.map(({ id, nodes }) => `${id} at ${nodes.length}: ${nodes[0].html.slice(0, 200)}`);
}

/** How far a page can be scrolled sideways, in pixels. */
export const sideways = (page) =>
  page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
