import { expect, it } from 'vitest';
import { look, signIn, useBrowser, visit, WEB_URL } from './browser';
import { enDesktop } from './looks';
import { failedConsultation } from './people';

useBrowser();

it('an assessment that failed says so to its patient, and to the admin why; it is queued again', async () => {
  const id = await failedConsultation();
  const patient = await visit(enDesktop);
  await patient.goto(`${WEB_URL}/consultations/${id}`);
  await signIn(patient, 'patient', enDesktop);
  await patient.getByRole('heading', { name: 'No assessment could be made' }).waitFor();
  await patient.getByText('The urgency and the advice above still apply.').waitFor();
  expect(await patient.locator('.urgency').count()).toBe(1);
  await look(patient, 'failed-en-desktop');

  const page = await visit(enDesktop);
  await page.goto(`${WEB_URL}/operations`);
  await signIn(page, 'admin', enDesktop);
  const row = page.locator('[data-kind=analyze]', {
    has: page.locator(`a[href="/consultations/${id}"]`),
  });
  await row.getByText('No model gave an answer.').waitFor();
  await row.getByText('attempts: 3').waitFor();
  await look(page, 'failed-jobs-en-desktop');

  // It soon fails again.
  const again = patient.getByRole('heading', { name: 'The assessment is being made' }).waitFor();
  await Promise.all([again, page.getByRole('button', { name: 'Only: Assessment' }).click()]);
  await page.getByText(/Queued again: [1-9]\d*\. Left: \d+\./).waitFor();
  await row.waitFor({ state: 'detached' });
});
