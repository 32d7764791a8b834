import { expect, it } from 'vitest';
import { look, signIn, useBrowser, visit, WEB_URL } from './browser';
import { enPhone, zhDarkDesktop } from './looks';
import { signInByName } from './people';
import { demoPeople, tokenOf } from './tenant';

const HOUR_MS = 3_600_000;

useBrowser();

it('the people of the demo can sign in', async () => {
  const people = await demoPeople(WEB_URL);
  expect(people.map(({ role }) => role).sort()).toEqual(['admin', 'clinician', 'patient']);
  for (const person of people) expect(await tokenOf(WEB_URL, person)).toMatch(/^ey/);
});

it('a token that is about to end is renewed, and the person notices nothing', async () => {
  const page = await visit(enPhone);
  const tokens: string[] = [];
  const renewals: string[] = [];
  page.on('request', (request) => {
    const { authorization } = request.headers();
    if (authorization && request.url().includes('/v1/')) tokens.push(authorization);
    if (request.postData()?.includes('REFRESH_TOKEN')) renewals.push(request.url());
  });

  await signIn(page, 'patient', enPhone);
  await page.getByRole('link', { name: 'My consultations' }).click();
  await expect.poll(() => tokens.length).toBeGreaterThanOrEqual(2);
  expect(renewals).toEqual([]);
  const before = tokens.at(-1);

  // The page's clock, not the server's: half a minute before the token ends.
  await page.clock.setSystemTime(Date.now() + HOUR_MS - 30_000);
  await page.getByRole('link', { name: 'New consultation' }).click();
  await page.getByLabel('Symptoms').fill('A sore throat since yesterday.');
  await page.getByRole('button', { name: 'Assess now' }).click();
  await page.locator('.urgency').waitFor();

  expect(renewals.length).toBeGreaterThanOrEqual(1);
  expect(tokens.at(-1)).not.toBe(before);
  expect(await page.getByText('Your session has ended.').count()).toBe(0);
});

it('what the tab keeps is a draft and the choices of the looks, never a token', async () => {
  const page = await visit(enPhone);
  await signIn(page, 'patient', enPhone);
  await page.getByLabel('Symptoms').fill('A sore throat.');

  const keys = await page.evaluate(() => [
    ...Object.keys(localStorage),
    ...Object.keys(sessionStorage),
  ]);
  const allowed = ['wenzhen.preferences', 'wenzhen.draft', 'wenzhen.draft.owner'];
  expect(keys.filter((key) => !allowed.includes(key))).toEqual([]);
});

it('a person signs themselves out everywhere, and is asked before', async () => {
  const lost = await visit(zhDarkDesktop);
  const page = await visit(enPhone);
  await signInByName(lost, zhDarkDesktop);
  await signInByName(page, enPhone);

  await page.getByRole('button', { name: 'Account' }).click();
  await page.getByText('Patient', { exact: true }).first().waitFor();
  await look(page, 'account-en-phone');
  await page.getByRole('button', { name: 'Sign out everywhere' }).click();
  const dialog = page.getByRole('dialog', { name: 'Sign out everywhere?' });
  await dialog.getByText('on every other device').waitFor();
  await look(page, 'sign-out-everywhere-en-phone');
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  await page.getByRole('link', { name: 'My consultations' }).click();
  await page.getByText(/You have no consultations yet|That is all/).waitFor();

  await page.getByRole('button', { name: 'Account' }).click();
  await page.getByRole('button', { name: 'Sign out everywhere' }).click();
  await dialog.getByRole('button', { name: 'Sign out everywhere' }).click();
  await page.getByText('You are signed out everywhere.').waitFor();
  await page.getByRole('heading', { name: 'Sign in', exact: true }).waitFor();
  await look(page, 'signed-out-en-phone');

  await lost.getByRole('link', { name: '我的问诊' }).click();
  await lost.getByText('登录已过期').waitFor();
  await signInByName(page, enPhone);
});

it('a sign-out that was not done says so, and nobody is signed out', async () => {
  const page = await visit(zhDarkDesktop);
  await page.route(
    (url) => url.pathname.endsWith('/sign-out'),
    (route) => route.abort(),
  );
  await signIn(page, 'patient', zhDarkDesktop);

  await page.getByRole('button', { name: '账号' }).click();
  await page.getByRole('button', { name: '退出所有设备' }).click();
  const dialog = page.getByRole('dialog', { name: '退出所有设备？' });
  await dialog.getByRole('button', { name: '退出所有设备' }).click();
  await dialog.getByRole('alert').waitFor();
  await look(page, 'sign-out-failed-zh-desktop-dark');

  await dialog.getByRole('button', { name: '取消' }).click();
  await page.getByRole('button', { name: '账号' }).click();
  await page.getByRole('button', { name: '退出登录' }).click();
  await page.getByRole('heading', { name: '登录', exact: true }).waitFor();
});
