import { randomUUID } from 'node:crypto';
import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { look, signIn, useBrowser, visit, WEB_URL } from './browser';
import { enPhone, zhPhone } from './looks';
import { callAs, INGEST_MS, newConsultation } from './people';

useBrowser();

it('a consultation whose answer is lost is there once, also behind a reload and in another language', async () => {
  const page = await visit(enPhone);
  const tries = watchTries(page, '/v1/consultations');
  const lost = await loseNextAnswer(page, '/v1/consultations');
  await signIn(page, 'patient', enPhone);
  await page.getByLabel('Symptoms').fill(`A sore throat since yesterday. ${randomUUID()}`);
  await page.getByLabel('Age').fill('30');
  await page.getByRole('button', { name: 'Assess now' }).click();
  await page.locator('.failure').waitFor();
  const number = page.locator('.failure').getByRole('link', { name: '112' });
  expect(await number.getAttribute('href')).toBe('tel:112');
  await look(page, 'create-lost-en-phone');
  const { id } = (await lost()) as { id: string };

  await page.reload();
  await signIn(page, 'patient', enPhone);
  await page.getByRole('button', { name: '中文' }).click();
  await page.getByRole('button', { name: '立即评估' }).click();
  await page.waitForURL(`${WEB_URL}/consultations/${id}`);
  await page.locator('.urgency').waitFor();
  expect(tries).toHaveLength(2);
  expect(tries[1]).toEqual(tries[0]);
  expect(tries[0]?.key).toBeTruthy();

  // What is sent from here on is another one, also in the same words.
  expect(await page.evaluate(() => Object.keys(sessionStorage))).toEqual(['wenzhen.draft.owner']);
});

it('a message whose answer is lost is there once, also behind a reload', async () => {
  const id = await newConsultation('A sore throat since yesterday.');
  const page = await visit(enPhone);
  const path = `/v1/consultations/${id}/messages`;
  const tries = watchTries(page, path);
  const lost = await loseNextAnswer(page, path);
  await page.goto(`${WEB_URL}/consultations/${id}`);
  await signIn(page, 'patient', enPhone);
  const text = `It is the same today. ${randomUUID()}`;
  const field = page.getByRole('textbox', { name: 'Add something or answer' });
  await field.fill(text);
  await page.getByRole('button', { name: 'Send' }).click();
  await page.locator('.failure').waitFor();
  await lost();

  // The message has been taken, so the page shows one turn more.
  await page.getByRole('heading', { name: 'Conversation' }).waitFor();
  await page.reload();
  await signIn(page, 'patient', enPhone);
  const send = page.getByRole('button', { name: 'Send' });
  expect(await field.inputValue()).toBe(text);
  await send.click();
  await expect.poll(() => field.inputValue()).toBe('');
  expect(tries).toHaveLength(2);
  expect(tries[1]).toEqual(tries[0]);

  const patient = await callAs('patient');
  const { items } = (await (await patient.get(path)).json()) as { items: { text?: string }[] };
  expect(items.filter((item) => item.text === text)).toHaveLength(1);
});

it('who does not wait for files is assessed without them, and is told so before', async () => {
  const page = await visit(zhPhone);
  await signIn(page, 'patient', zhPhone);
  await page.route(
    (url) => url.pathname === '/v1/uploads',
    () => undefined,
  );
  await page.getByLabel('症状').fill('胸痛，放射到左臂，出冷汗');
  const picture = await page.screenshot({ clip: { x: 0, y: 0, width: 64, height: 64 } });
  const file = { name: 'ecg.png', mimeType: 'image/png', buffer: picture };
  await page.locator('input[type=file]').setInputFiles(file);
  await page.locator('.file[data-state=sending]').waitFor();

  const send = page.getByRole('button', { name: '立即评估' });
  await send.click();
  const dialog = page.getByRole('dialog', { name: '不带这些文件直接评估？' });
  await dialog.getByText('ecg.png').waitFor();
  await look(page, 'files-left-out-zh-phone');
  await dialog.getByRole('button', { name: '等待文件' }).click();
  await dialog.waitFor({ state: 'hidden' });

  await send.click();
  await dialog.getByRole('button', { name: '立即评估' }).click();
  await page.locator('.urgency[data-urgency="emergency"]').waitFor();
  await page.unrouteAll({ behavior: 'ignoreErrors' });
});

it('a document that was not sent outlives a reload and a token that ends', async () => {
  const page = await visit(enPhone);
  await signIn(page, 'clinician', enPhone);
  await page.getByRole('link', { name: 'Knowledge' }).click();
  const title = `Hay fever ${randomUUID().slice(0, 8)}`;
  await page.getByLabel('Title').fill(title);
  await page.getByLabel('Source', { exact: true }).fill('Our clinic');
  await page.getByLabel('Address of the source').fill('https://clinic.example.org/hay-fever');
  const text = page.getByLabel('Text (Markdown)');
  await text.fill('## What it is\n\nSneezing.');
  await page.reload();
  await signIn(page, 'clinician', enPhone);
  await page.getByText('Your draft is back.').waitFor();
  expect(await page.getByLabel('Title').inputValue()).toBe(title);

  const isCreate = (url: URL) => url.pathname === '/v1/knowledge/documents';
  await page.route(isCreate, (route) =>
    route.request().method() === 'POST'
      ? route.fulfill({ status: 401, json: { title: 'Unauthorized' } })
      : route.continue(),
  );
  const submit = page.getByRole('button', { name: 'Import', exact: true });
  await submit.click();
  await page.getByText('Your session has ended.').waitFor();
  await page.unroute(isCreate);
  await signIn(page, 'clinician', enPhone);
  expect(await text.inputValue()).toBe('## What it is\n\nSneezing.');
  await submit.click();
  const row = page.locator('.document[data-status=ready]', { hasText: title });
  await row.waitFor({ timeout: INGEST_MS });
  await expect.poll(() => text.inputValue()).toBe('');

  await row.getByRole('button', { name: `Delete ${title}` }).click();
  await page
    .getByRole('dialog')
    .getByRole('button', { name: `Delete ${title}` })
    .click();
  await row.waitFor({ state: 'detached' });
});

it.each([
  ['Send', '/messages', 'patient'],
  ['Write a report', '/report', 'patient'],
  ['Mark as reviewed', '/review', 'clinician'],
] as const)(
  'over a limit, “%s” is held back until it may be tried again',
  async (name, path, as) => {
    const id = await newConsultation('A sore throat since yesterday.');
    const page = await visit(enPhone);
    await page.goto(`${WEB_URL}/consultations/${id}`);
    await signIn(page, as, enPhone);
    const refuse = {
      status: 429,
      headers: { 'retry-after': '9' },
      json: { title: 'Too many requests', detail: 'Try again later.' },
    };
    await page.route(
      (url) => url.pathname.endsWith(path),
      (route) => (route.request().method() === 'POST' ? route.fulfill(refuse) : route.continue()),
    );
    const button = page.getByRole('button', { name, exact: true });
    if (name === 'Send') {
      await page.getByRole('textbox', { name: 'Add something or answer' }).fill('It is worse.');
    }
    await button.click();
    await page.getByText(/You can try again in \d s\./).waitFor();
    expect(await button.isDisabled()).toBe(true);
    await expect.poll(() => button.isEnabled()).toBe(true);
  },
);

/** The keys and bodies of the creates that the page tries at this address. */
function watchTries(page: Page, path: string) {
  const tries: { key: string | undefined; body: string | null }[] = [];
  page.on('request', (request) => {
    const isTry = request.method() === 'POST' && new URL(request.url()).pathname === path;
    if (isTry) tries.push({ key: request.headers()['idempotency-key'], body: request.postData() });
  });
  return tries;
}

/** The next create is made, and its answer lost on the way; what is returned waits for that answer. */
async function loseNextAnswer(page: Page, path: string): Promise<() => Promise<unknown>> {
  let take: (answer: unknown) => void = () => undefined;
  const answer = new Promise<unknown>((resolve) => {
    take = resolve;
  });
  let isLost = false;
  await page.route(
    (url) => url.pathname === path,
    async (route) => {
      if (route.request().method() !== 'POST' || isLost) {
        await route.continue();
        return;
      }
      isLost = true;
      take(await (await route.fetch()).json());
      const problem = { title: 'Timed out', detail: 'It took too long to answer.' };
      await route.fulfill({ status: 504, json: problem });
    },
  );
  return () => answer;
}
