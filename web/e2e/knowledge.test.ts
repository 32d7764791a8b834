import { randomUUID } from 'node:crypto';
import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { DESKTOP, look, signIn, useBrowser, visit, type Look } from './browser';

const enDesktop: Look = { language: 'en', theme: 'light', size: DESKTOP };

useBrowser();

it('a search says by what each passage was found', async () => {
  const page = await openKnowledge('clinician');
  await page.getByLabel('Question').fill('What helps against a sore throat?');
  await page.getByRole('button', { name: 'Search' }).click();

  const best = page.locator('.passages > li').first();
  await best.getByText(/by words: place \d+ · by meaning: place \d+/).waitFor();
});

it('a document says how far it is until it can be found', async () => {
  const page = await openKnowledge('clinician');
  let looks = 0;
  await page.route('**/v1/jobs/*', async (route) => {
    const answer = await route.fetch();
    const json = (await answer.json()) as object;
    const active = { state: 'active', progress: 40, finished_at: null };
    await route.fulfill({ json: ++looks === 1 ? { ...json, ...active } : json });
  });
  const title = newTitle();
  await holdProcessing(page, title, () => looks < 2);
  await bringIn(page, title);
  const row = page.locator('.document', { hasText: title });
  await row.getByText('Being brought in: 40 %').waitFor();
  await page.locator('.document[data-status=ready]', { hasText: title }).waitFor();
  expect(looks).toBeGreaterThan(1);
});

it('a document that could not be brought in says why, what to do, and is not asked for any more', async () => {
  const page = await openKnowledge('admin');
  await page.clock.install();
  const title = newTitle();
  let looks = 0;
  await holdProcessing(page, title, () => true);
  await page.route('**/v1/jobs/*', async (route) => {
    looks++;
    const error = { code: 'outage', message: 'A service was away.' };
    await route.fulfill({
      json: {
        id: 'held',
        state: 'failed',
        progress: 0,
        error,
        finished_at: '2026-01-01T00:00:00Z',
      },
    });
  });
  await bringIn(page, title);

  await page.getByText('Could not be brought in. A service was away for too long.').waitFor();
  await page.getByText('Delete it and bring it in again').waitFor();
  await look(page, 'document-failed-en-desktop');
  await page.clock.fastForward(60_000);
  await page.locator('.document').getByRole('link', { name: 'Operations' }).click();
  await page.getByRole('heading', { name: 'Failed jobs' }).waitFor();
  expect(looks).toBe(1);
});

async function openKnowledge(role: 'clinician' | 'admin'): Promise<Page> {
  const page = await visit(enDesktop);
  await signIn(page, role, enDesktop);
  await page.getByRole('link', { name: 'Knowledge' }).click();
  return page;
}

/** Lets the page believe that its document is still brought in. */
async function holdProcessing(page: Page, title: string, isHeld: () => boolean): Promise<void> {
  const isList = (url: URL) => url.pathname === '/v1/knowledge/documents';
  await page.route(isList, async (route) => {
    const answer = await route.fetch();
    const { items } = (await answer.json()) as { items?: { title: string }[] };
    const ours = items?.filter((item) => item.title === title);
    const held = ours?.map((item) => (isHeld() ? { ...item, status: 'processing' } : item));
    await route.fulfill(held ? { json: { items: held } } : { response: answer });
  });
}

function newTitle(): string {
  return `Blisters ${randomUUID().slice(0, 8)}`;
}

/** Fills in the form and sends it. */
async function bringIn(page: Page, title: string): Promise<void> {
  await page.getByLabel('Title').fill(title);
  await page.getByLabel('Source', { exact: true }).fill('Our clinic');
  await page.getByLabel('Address of the source').fill('https://clinic.example.org/blisters');
  await page.getByLabel('Text (Markdown)').fill('## What to do\n\nCover it.');
  await page.getByRole('button', { name: 'Bring it in' }).click();
}
