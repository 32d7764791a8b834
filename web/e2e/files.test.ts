import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { look, signIn, useBrowser, visit } from './browser';
import { zhPhone } from './looks';

const MIB = 1024 * 1024;

useBrowser();

it('a picture is pasted while one writes', async () => {
  const page = await visit(zhPhone);
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  await signIn(page, 'patient', zhPhone);
  await page.getByLabel('症状').fill('手臂上有红疹，见照片。');
  const picture = await page.screenshot({ clip: { x: 0, y: 0, width: 64, height: 64 } });

  await page.evaluate(
    async (bytes) => {
      const blob = new Blob([new Uint8Array(bytes)], { type: 'image/png' });
      await navigator.clipboard.write([new ClipboardItem({ 'image/png': blob })]);
    },
    [...picture],
  );
  await page.getByLabel('症状').press('Control+V');

  await page.locator('.file[data-state=ready]').waitFor();
  expect(await page.getByLabel('症状').inputValue()).toBe('手臂上有红疹，见照片。');
});

it('a large file is sent in parts; one whose line breaks is sent again', async () => {
  const { folder, path } = await largeFile(101 * MIB);
  const page = await visit(zhPhone);
  await signIn(page, 'patient', zhPhone);
  const sent: string[] = [];
  let isBroken = true;
  await page.route(
    (url) => url.searchParams.has('partNumber'),
    async (route) => {
      if (route.request().method() === 'PUT') {
        const part = new URL(route.request().url()).searchParams.get('partNumber') ?? '';
        sent.push(part);
        if (part === '2' && isBroken) {
          isBroken = false;
          await route.abort('connectionreset');
          return;
        }
      }
      await route.continue();
    },
  );

  await page.locator('input[type=file]').setInputFiles(path);
  await page.locator('.file[data-state=sending]', { hasText: 'ct.dcm' }).waitFor();
  // A screen reader would say every percentage.
  expect(await page.locator('.files [aria-live]').allTextContents()).toEqual(['正在上传']);
  await page.locator('.file', { hasText: /\d+%/ }).waitFor();
  await page
    .locator('.file[data-state=ready]', { hasText: 'ct.dcm' })
    .waitFor({ timeout: 240_000 });
  expect(sent.filter((part) => part === '1')).toHaveLength(1);
  expect(sent.filter((part) => part === '2').length).toBeGreaterThan(1);
  await rm(folder, { recursive: true });
});

it('a large file that fails can be sent again or removed', async () => {
  const { folder, path } = await largeFile(101 * MIB);
  const page = await visit(zhPhone);
  await signIn(page, 'patient', zhPhone);
  const isPart = (url: URL) => url.searchParams.has('partNumber');
  await page.route(isPart, (route) => route.fulfill({ status: 403 }));

  await page.locator('input[type=file]').setInputFiles(path);
  await page.locator('.file[data-state=failed]').waitFor();
  await look(page, 'upload-failed-zh-phone');
  await page.unroute(isPart);
  await page.getByRole('button', { name: '重试：ct.dcm' }).click();
  await page.locator('.file[data-state=sending]').waitFor();

  await page.getByRole('button', { name: '移除ct.dcm' }).click();
  await page.locator('.file').waitFor({ state: 'detached' });
  await rm(folder, { recursive: true });
});

it('a picture is dropped on the area; beside it, it does not take the page’s place', async () => {
  const page = await visit(zhPhone);
  await signIn(page, 'patient', zhPhone);
  await page.getByLabel('症状').fill('手臂上有红疹，见照片。');
  const picture = await page.screenshot({ clip: { x: 0, y: 0, width: 64, height: 64 } });

  expect(await drop(page, 'h1', picture)).toEqual({ over: true, drop: true });
  expect(await page.locator('.file').count()).toBe(0);
  expect(await page.getByLabel('症状').inputValue()).toBe('手臂上有红疹，见照片。');

  await drop(page, '.dropzone', picture);
  await page.locator('.file[data-state=ready]', { hasText: 'rash.png' }).waitFor();
});

it('two taps on “try again” make one upload', async () => {
  const page = await visit(zhPhone);
  await signIn(page, 'patient', zhPhone);
  const picture = await page.screenshot({ clip: { x: 0, y: 0, width: 64, height: 64 } });
  const isRequest = (url: URL) => url.pathname === '/v1/uploads';
  await page.route(isRequest, (route) => route.fulfill({ status: 503, json: {} }), { times: 1 });
  await page
    .locator('input[type=file]')
    .setInputFiles({ name: 'rash.png', mimeType: 'image/png', buffer: picture });
  await page.locator('.file[data-state=failed]').waitFor();

  let requests = 0;
  page.on('request', (request) => {
    if (isRequest(new URL(request.url()))) requests++;
  });
  await page.getByRole('button', { name: '重试：rash.png' }).evaluate((button: HTMLElement) => {
    button.click();
    button.click();
  });
  await page.locator('.file[data-state=ready]').waitFor();
  expect(requests).toBe(1);
});

it('an upload whose page is left is not awaited any more; one that is ready stays in the draft', async () => {
  const page = await visit(zhPhone);
  await signIn(page, 'patient', zhPhone);
  const picture = await page.screenshot({ clip: { x: 0, y: 0, width: 64, height: 64 } });
  const removed: string[] = [];
  page.on('request', (request) => {
    const { pathname } = new URL(request.url());
    if (request.method() === 'DELETE') removed.push(pathname);
  });
  const choose = (name: string) =>
    page
      .locator('input[type=file]')
      .setInputFiles({ name, mimeType: 'image/png', buffer: picture });
  await choose('ready.png');
  await page.locator('.file[data-state=ready]', { hasText: 'ready.png' }).waitFor();

  // The storage never answers: this one stays on its way.
  await page.route(
    (url) => url.origin !== new URL(page.url()).origin,
    () => undefined,
  );
  const asked = page.waitForResponse((response) => response.url().endsWith('/v1/uploads'));
  await choose('left.png');
  const { id } = (await (await asked).json()) as { id: string };
  await page.getByRole('link', { name: '我的问诊' }).click();
  await expect.poll(() => removed).toEqual([`/v1/uploads/${id}`]);

  await page.getByRole('link', { name: '新问诊' }).click();
  await page.locator('.file[data-state=ready]', { hasText: 'ready.png' }).waitFor();
  expect(await page.locator('.file').count()).toBe(1);
});

/** Drops a picture on an element; answers whether the page has kept it from the browser. */
function drop(page: Page, selector: string, picture: Buffer) {
  return page.locator(selector).evaluate(
    (element, bytes) => {
      const dataTransfer = new DataTransfer();
      dataTransfer.items.add(new File([new Uint8Array(bytes)], 'rash.png', { type: 'image/png' }));
      const send = (type: string) =>
        !element.dispatchEvent(
          new DragEvent(type, { dataTransfer, bubbles: true, cancelable: true }),
        );
      return { over: send('dragover'), drop: send('drop') };
    },
    [...picture],
  );
}

/** A DICOM file by its mark; the rest of it is empty. */
async function largeFile(bytes: number): Promise<{ folder: string; path: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'wenzhen-'));
  const path = join(folder, 'ct.dcm');
  const file = await open(path, 'w');
  await file.write('DICM', 128);
  await file.truncate(bytes);
  await file.close();
  return { folder, path };
}
