import { randomUUID } from 'node:crypto';
import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { signIn, useBrowser, visit } from './browser';
import { enDesktop } from './looks';
import { callAs, INGEST_MS } from './people';

useBrowser();

it('a consultation and a message that are sent twice are there once', async () => {
  const page = await visit(enDesktop);
  const created = answersTo(page, '/v1/consultations');
  await signIn(page, 'patient', enDesktop);
  await page.getByLabel('Symptoms').fill('A blister on the heel since yesterday.');
  await page.getByLabel('Age').fill('30');
  await submitTwice(page, 'Age');
  await page.getByRole('heading', { name: 'Assessment', exact: true }).waitFor();
  expect(new Set(await created()).size).toBe(1);

  const sent = answersTo(page, '/messages');
  const text = `It is the same today. ${randomUUID()}`;
  await page.getByRole('textbox', { name: 'Add something or answer' }).fill(text);
  await page.getByRole('button', { name: 'Send' }).dblclick();
  await page.getByRole('heading', { name: 'Conversation' }).waitFor();
  await page.locator('.message', { hasText: text }).waitFor();
  expect(new Set(await sent()).size).toBe(1);
  expect(await page.locator('.failure').count()).toBe(0);
});

it('a second tap while the next page is loaded makes no second consultation', async () => {
  const page = await visit(enDesktop);
  let load = (): void => undefined;
  const isLoaded = new Promise<void>((resolve) => {
    load = resolve;
  });
  await page.route(/\/assets\/ConsultationPage/, async (route) => {
    await isLoaded;
    await route.continue();
  });
  const created = answersTo(page, '/v1/consultations');
  await signIn(page, 'patient', enDesktop);
  const field = page.getByLabel('Symptoms');
  await field.fill('A blister on the heel since this morning.');
  const answered = page.waitForResponse('**/v1/consultations');
  await page.getByRole('button', { name: 'Assess now' }).click();
  await answered;

  await page.getByRole('button', { name: 'Assess now' }).click({ force: true });
  expect(await field.isDisabled()).toBe(true);
  await submitTwice(page, 'Symptoms');
  load();
  await page.getByRole('heading', { name: 'Assessment', exact: true }).waitFor();
  expect(new Set(await created()).size).toBe(1);
});

it('a report that is asked for twice is written once', async () => {
  const page = await visit(enDesktop);
  await signIn(page, 'patient', enDesktop);
  await page.getByLabel('Symptoms').fill('A sore throat since yesterday.');
  await page.getByRole('button', { name: 'Assess now' }).click();
  await page.getByRole('heading', { name: 'Assessment', exact: true }).waitFor();

  const asked = answersTo(page, '/report');
  await page.getByRole('button', { name: 'Write a report' }).dblclick();
  await page.getByRole('link', { name: 'Open the report' }).waitFor();
  expect(new Set(await asked()).size).toBe(1);
  expect(await page.locator('.failure').count()).toBe(0);
});

it('a document that is brought in twice is there once, and nothing is said of an error', async () => {
  const page = await visit(enDesktop);
  await signIn(page, 'clinician', enDesktop);
  await page.getByRole('link', { name: 'Knowledge' }).click();
  const title = `Blisters ${randomUUID().slice(0, 8)}`;
  await page.getByLabel('Title').fill(title);
  await page.getByLabel('Source', { exact: true }).fill('Our clinic');
  await page.getByLabel('Address of the source').fill('https://clinic.example.org/blisters');
  await page.getByLabel('Text (Markdown)').fill('## What to do\n\nCover it.');
  await submitTwice(page, 'Title');

  const row = page.locator('.document[data-status=ready]', { hasText: title });
  await row.waitFor({ timeout: INGEST_MS });
  expect(await page.locator('.document', { hasText: title }).count()).toBe(1);
  expect(await page.locator('.failure').count()).toBe(0);
});

it('people who are imported twice are there once', async () => {
  const page = await visit(enDesktop);
  await signIn(page, 'admin', enDesktop);
  await page.getByRole('link', { name: 'People' }).click();
  const id = randomUUID();
  const csv = `id,email,name,role\n${id},${id}@demo.example,Wang Fang,patient`;
  await page.getByLabel('People as CSV').fill(csv);
  await page.getByRole('button', { name: 'Import 1 row' }).dblclick();
  await page.getByText(/Imported: 1/).waitFor();
  expect(await page.locator('.failure').count()).toBe(0);

  // Also by another call altogether: a person is known by their id.
  const person = { id, email: `${id}@demo.example`, name: 'Wang Fang', role: 'patient' };
  const admin = await callAs('admin');
  const again = await admin.post('/v1/users/import', { users: [person] });
  expect(await again.json()).toMatchObject({ imported: 0, skipped: [0] });
});

/** Presses Enter in a field, and again before the page can have changed. */
async function submitTwice(page: Page, label: string): Promise<void> {
  const form = page.locator('form', { has: page.getByLabel(label, { exact: true }) });
  await form.evaluate((element: HTMLFormElement) => {
    element.requestSubmit();
    element.requestSubmit();
  });
}

/** The ids that creates of this address are answered with. */
function answersTo(page: Page, path: string): () => Promise<string[]> {
  const bodies: Promise<string>[] = [];
  page.on('response', (response) => {
    const isCreate = response.request().method() === 'POST' && response.url().endsWith(path);
    if (isCreate) bodies.push(response.json().then(JSON.stringify));
  });
  return () => Promise.all(bodies);
}
