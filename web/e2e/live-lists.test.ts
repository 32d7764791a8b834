import { expect, it } from 'vitest';
import { isInView, look, signIn, useBrowser, visit } from './browser';
import { enPhone } from './looks';
import { newConsultation, rowsOf } from './people';

useBrowser();

it('a patient’s list tells by itself when an assessment is there', async () => {
  const page = await visit(enPhone);
  let isHeld = true;
  let id = '';
  const isList = (url: URL) => url.pathname === '/v1/consultations';
  await page.route(isList, async (route) => {
    const answer = await route.fetch();
    const { items, ...rest } = (await answer.json()) as { items: { id: string; status: string }[] };
    const held = items.map((item) => {
      return isHeld && item.id === id ? { ...item, status: 'processing' } : item;
    });
    await route.fulfill({ json: { ...rest, items: held } });
  });
  id = await newConsultation('A runny nose for two days.');
  await signIn(page, 'patient', enPhone);
  await page.getByRole('link', { name: 'My consultations' }).click();
  const row = page.locator(`a[href="/consultations/${id}"]`);
  await row.getByText('In progress').waitFor();

  isHeld = false;
  await row.getByText('Completed').waitFor();
});

it('a clinician’s rows stay where they are; what is new waits behind a button', async () => {
  for (let row = 0; row < 6; row++) await newConsultation('A runny nose for two days.');
  const page = await visit(enPhone);
  await signIn(page, 'clinician', enPhone);
  await page.locator('.list-row').first().waitFor();
  const before = await rowsOf(page);

  const id = await newConsultation('I have crushing chest pain and cold sweats.');
  const news = page.getByRole('button', { name: /Show what is new: \d+ \(emergencies: \d+\)/ });
  await news.waitFor();
  await page.getByRole('alert').getByText('Emergency.').waitFor();
  // A page holds so many rows: what comes above pushes the last ones to the next page.
  const now = await rowsOf(page);
  expect(now.length).toBeGreaterThan(0);
  expect(now.slice(0, before.length)).toEqual(before.slice(0, now.length));
  await look(page, 'news-en-phone');

  // Who has scrolled far down is brought to the new row.
  await page.mouse.wheel(0, 5000);
  await expect.poll(() => isInView(page.locator('.list-row').first())).toBe(false);
  await news.click();
  await news.waitFor({ state: 'detached' });
  const row = page.locator(`a[href="/consultations/${id}"]`);
  await expect.poll(() => isInView(row)).toBe(true);
  expect(await row.evaluate((link) => document.activeElement === link)).toBe(true);
});
