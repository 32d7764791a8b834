import type { Page, Request } from 'playwright-core';
import { expect, it } from 'vitest';
import { look, signIn, useBrowser, visit } from './browser';
import { zhPhone } from './looks';

/** No text of a real assessment, so that it is found nowhere else. */
const SENTENCES = ['多半是普通感冒。', '请多休息，多喝水。'];

useBrowser();

it('a summary is shown while it is written, taken back, and gone with the answer', async () => {
  const page = await visit(zhPhone);
  const release = await holdBack(page);
  const tell = await speakForTheSocket(page);
  await signIn(page, 'patient', zhPhone);
  await page.getByLabel('症状').fill('喉咙痛两天了。');
  await page.getByRole('button', { name: '立即评估' }).click();

  const box = page.locator('.writing');
  await box.waitFor();
  const height = (await box.boundingBox())?.height;
  await tell({ type: 'queued' }, { type: 'progress', progress: 40, step: 'asking_models' });
  await tell({ type: 'summary', summary: SENTENCES[0] });
  await box.getByText('正在生成，尚未完成').waitFor();
  await tell({ type: 'summary', summary: SENTENCES.join('') });
  await box.getByText(SENTENCES[1] ?? '').waitFor();
  expect((await box.boundingBox())?.height).toBe(height);
  await look(page, 'writing-zh-phone');
  expect(await storedIn(page)).not.toContain(SENTENCES[0]);

  await tell({ type: 'summary' });
  await box.getByText(SENTENCES[0] ?? '').waitFor({ state: 'detached' });
  await tell({ type: 'summary', summary: SENTENCES[0] });
  await box.getByText(SENTENCES[0] ?? '').waitFor();

  await release();
  await tell({ type: 'completed' });
  await page.getByRole('heading', { name: '评估', exact: true }).waitFor();
  expect(await page.getByText(SENTENCES[0] ?? '').count()).toBe(0);
});

/**
 * Lets the page believe that its consultation is still worked on, until it is released. The release
 * waits for the real assessment: an event comes after what it tells of.
 */
async function holdBack(page: Page): Promise<() => Promise<void>> {
  const isConsultation = (url: URL) => /^\/v1\/consultations\/[\w-]{36}$/.test(url.pathname);
  let last: Request | undefined;

  await page.route(isConsultation, async (route) => {
    last = route.request();
    const answer = await route.fetch();
    const json = (await answer.json()) as object;
    await route.fulfill({ json: { ...json, status: 'processing', assessment: null } });
  });
  return async () => {
    await expect.poll(() => last && statusOf(page, last), { interval: 1000 }).toBe('completed');
    await page.unroute(isConsultation);
  };
}

/** Asks for the same consultation past the page, as the same person. */
async function statusOf(page: Page, request: Request): Promise<string> {
  const authorization = (await request.headerValue('authorization')) ?? '';
  const [url = ''] = request.url().split('?');
  const answer = await page.request.get(url, { headers: { authorization } });
  return ((await answer.json()) as { status: string }).status;
}

/** Takes the place of the WebSocket API; what it returns tells events to the page, in their order. */
async function speakForTheSocket(page: Page) {
  let number = 0;
  let say: ((events: object[]) => void) | undefined;

  await page.routeWebSocket(/./, (socket) => {
    socket.onMessage((message) => {
      const { action, consultation_id: id } = JSON.parse(String(message)) as Frame;
      if (action !== 'subscribe') return;
      socket.send(JSON.stringify({ type: 'subscribed', consultation_id: id, after: number }));
      say = (events) => {
        socket.send(JSON.stringify({ type: 'events', consultation_id: id, events }));
      };
    });
  });
  return async (...events: object[]) => {
    await expect.poll(() => say !== undefined).toBe(true);
    say?.(events.map((event) => ({ id: ++number, job: 'analyze', ...event })));
  };
}

interface Frame {
  action: string;
  consultation_id: string;
}

/** All that the tab and the browser keep of this page. */
function storedIn(page: Page): Promise<string> {
  return page.evaluate(() => JSON.stringify([localStorage, sessionStorage]));
}
