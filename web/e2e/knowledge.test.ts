import { randomUUID } from 'node:crypto';
import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { look, signIn, useBrowser, visit } from './browser';
import { zhDesktop } from './looks';
import { INGEST_MS } from './people';

useBrowser();

it('a search says by what each passage was found', async () => {
  const page = await openKnowledge('clinician');
  await page.getByLabel('问题').fill('What helps against a sore throat?');

  // A model that is busy makes a search by words alone, and says so: whoever asks again gets both.
  const section = page.locator('section', { has: page.getByLabel('问题') });
  const best = section.locator('.passages > li').first();
  const searchAgain = async () => {
    const answer = page.waitForResponse('**/v1/knowledge/search*');
    await section.getByRole('button', { name: '检索' }).click();
    await answer;
    await best.waitFor();
    return section.innerText();
  };
  const bothRanks = /按词语：第\d+位 · 按含义：第\d+位/;
  await expect.poll(searchAgain, { interval: 2_000, timeout: 90_000 }).toMatch(bothRanks);
  expect(await best.innerText()).toMatch(bothRanks);
});

it('a document says how far it is until it can be found', async () => {
  const page = await openKnowledge('clinician');
  let looks = 0;
  await page.route('**/v1/jobs/*', async (route) => {
    const answer = await route.fetch();
    const json = (await answer.json()) as object;
    const active = { state: 'active', progress: 40, finished_at: null };
    await route.fulfill({ json: ++looks <= 2 ? { ...json, ...active } : json });
  });
  const title = newTitle();
  await holdProcessing(page, title, () => looks < 3);
  await bringIn(page, title);
  const row = page.locator('.document', { hasText: title });
  await row.getByText(/导入中：40\s?%/).waitFor();
  await page
    .locator('.document[data-status=ready]', { hasText: title })
    .waitFor({ timeout: INGEST_MS });
  expect(looks).toBeGreaterThan(2);
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

  await page.getByText('导入失败 · 所需服务长时间不可用。').waitFor();
  await page.getByText('请删除后重新添加').waitFor();
  await look(page, 'document-failed-zh-desktop');
  await page.clock.fastForward(60_000);
  await page.locator('.document').getByRole('link', { name: '运维' }).click();
  await page.getByRole('heading', { name: '失败的任务' }).waitFor();
  expect(looks).toBe(1);
});

async function openKnowledge(role: 'clinician' | 'admin'): Promise<Page> {
  const page = await visit(zhDesktop);
  await signIn(page, role, zhDesktop);
  await page.getByRole('link', { name: '知识库' }).click();
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
  await page.getByLabel('标题').fill(title);
  await page.getByLabel('来源', { exact: true }).fill('Our clinic');
  await page.getByLabel('来源网址').fill('https://clinic.example.org/blisters');
  await page.getByLabel('正文').fill('## What to do\n\nCover it.');
  await page.getByRole('button', { name: '导入' }).click();
}
