// The pictures of the README: nothing is tested, `cargo xtask browser --pictures` takes them.
import { act, as, at, opened, ordered, people, rule, told } from './world.mjs';

const FOLDER = told('WAYPOST_TEST_PICTURES');

/** Takes a picture of the upper part of a page, as somebody sees it. */
const take = (name, who, path, height) =>
  as(who, { viewport: { width: 1280, height } }, async (page) => {
    await page.goto(at(path));
    await page.screenshot({ path: `${FOLDER}/${name}.png` });
  });

rule('the pictures are taken', async () => {
  const number = await opened('The revenue portal is down', {
    requester: 'helen.marsh@marlow.example',
    description: 'Nobody can open it since half past eight, it shows a white page.',
  });
  await act(number, 'comment', { text: 'We see it too. The web server does not reach its database.' });
  await act(number, 'note', { text: 'The certificate of the database has expired last night.' });
  await ordered(people.report, 'Laptop');
  await take('portal', 'report', 'home', 709);
  await take('ticket', 'agent', `desk/tickets/${number}`, 848);
});
