import { expect, it } from 'vitest';
import { PHONE, signIn, useBrowser, visit, type Look } from './browser';

const enPhone: Look = { language: 'en', theme: 'light', size: PHONE };

const HOUR_MS = 3_600_000;

useBrowser();

it('a token that is about to end is renewed, and the person notices nothing', async () => {
  const { page, faults } = await visit(enPhone);
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
  expect(faults).toEqual([]);
});

it('what the tab keeps is a draft and the choices of the looks, never a token', async () => {
  const { page } = await visit(enPhone);
  await signIn(page, 'patient', enPhone);
  await page.getByLabel('Symptoms').fill('A sore throat.');

  const keys = await page.evaluate(() => [
    ...Object.keys(localStorage),
    ...Object.keys(sessionStorage),
  ]);
  const allowed = ['wenzhen.preferences', 'wenzhen.draft', 'wenzhen.draft.owner'];
  expect(keys.filter((key) => !allowed.includes(key))).toEqual([]);
});
