import type { Locator, Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { signIn, useBrowser, visit, WEB_URL } from './browser';
import { enPhone } from './looks';
import { callAs, newConsultation } from './people';

const WORDS = 'A blister on the left heel.';

useBrowser();

it('what one has deleted does not come back with the browser’s own buttons', async () => {
  // Without the deleted one, the list is not empty.
  await newConsultation('A sore throat since yesterday.');
  const id = await newConsultation(WORDS);
  const page = await openAsPatient(id);
  await words(page).waitFor();
  await page.getByRole('link', { name: 'My consultations' }).click();
  const row = page.locator(`a[href="/consultations/${id}"]`);
  await row.click();
  await words(page).waitFor();

  await page.getByRole('button', { name: 'Delete' }).click();
  await page.getByRole('button', { name: 'Delete for good' }).click();
  await page.getByText('The consultation was deleted.').waitFor();
  await row.waitFor({ state: 'detached' });

  // Behind the list lies the list, and then the page as it was opened at first.
  await page.goBack();
  await page.goBack();
  await page.getByText('This does not exist, or you may not see it.').waitFor();
  expect(await page.getByText(WORDS).count()).toBe(0);

  await page.goForward();
  await page.goForward();
  await page.reload();
  await signIn(page, 'patient', enPhone);
  await page.locator('.list-row').first().waitFor();
  expect(await page.getByText('The consultation was deleted.').count()).toBe(0);
});

it('what is deleted elsewhere leaves the page of whoever reads it', async () => {
  const id = await newConsultation(WORDS);
  const page = await openAsPatient(id);
  await words(page).waitFor();

  const admin = await callAs('admin');
  expect((await admin.erase(`/v1/consultations/${id}`)).status).toBe(202);
  await page.getByText('This does not exist, or you may not see it.').waitFor();
  expect(await page.getByText(WORDS).count()).toBe(0);
  expect(await page.locator('.urgency').count()).toBe(0);
});

function words(page: Page): Locator {
  return page.locator('p.words', { hasText: WORDS });
}

async function openAsPatient(id: string): Promise<Page> {
  const page = await visit(enPhone);
  await page.goto(`${WEB_URL}/consultations/${id}`);
  await signIn(page, 'patient', enPhone);
  return page;
}
