import { randomUUID } from 'node:crypto';
import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { look, signIn, useBrowser, visit, type Look } from './browser';
import { enPhone, zhDesktop } from './looks';
import { newConsultation } from './people';

useBrowser();

it('a message that was not sent outlives a reload and a token that ends, not a sign-out', async () => {
  const id = await newConsultation('A sore throat since yesterday.');
  const page = await visit(enPhone);
  await signIn(page, 'patient', enPhone);
  await open(page, id, enPhone);
  const field = page.getByRole('textbox', { name: 'Add something or answer' });
  await field.fill('It is worse when I swallow.');

  await page.reload();
  await signIn(page, 'patient', enPhone);
  expect(await field.inputValue()).toBe('It is worse when I swallow.');

  await page.route(
    (url) => url.pathname.endsWith('/messages'),
    (route) => route.fulfill({ status: 401, json: { title: 'Unauthorized' } }),
    { times: 1 },
  );
  await page.getByRole('button', { name: 'Send' }).click();
  await page.getByText('Your session has ended.').waitFor();
  await signIn(page, 'patient', enPhone);
  expect(await field.inputValue()).toBe('It is worse when I swallow.');

  await page.getByRole('button', { name: 'Account' }).click();
  await page.getByRole('button', { name: 'Sign out', exact: true }).click();
  await signIn(page, 'patient', enPhone);
  await open(page, id, enPhone);
  expect(await field.inputValue()).toBe('');
});

it('a CSV is dropped, looked over, and outlives a reload until it was brought in', async () => {
  const page = await visit(zhDesktop);
  await signIn(page, 'admin', zhDesktop);
  await page.getByRole('link', { name: '人员' }).click();
  const [first, second] = [randomUUID(), randomUUID()];
  await drop(page, gbkCsv(first, second));

  const area = page.getByLabel('人员（CSV）');
  await expect.poll(() => area.inputValue()).toContain(',李雷,');
  await page.reload();
  await signIn(page, 'admin', zhDesktop);
  expect(await area.inputValue()).toContain(',李雷,');
  await page.getByText('已恢复您粘贴的内容。').waitFor();

  await page.getByRole('button', { name: /导入2/ }).click();
  const fault = page.getByRole('table').getByRole('row').nth(1);
  await fault.waitFor();
  expect(await fault.getByRole('cell').first().textContent()).toBe('3');
  await look(page, 'import-zh-desktop');

  // What is in no text at all is said to be none.
  const chooser = page.locator('input[type=file]');
  const picture = await page.screenshot({ clip: { x: 0, y: 0, width: 8, height: 8 } });
  await chooser.setInputFiles({ name: 'people.csv', mimeType: 'text/csv', buffer: picture });
  await page.getByText('这不是CSV文件').waitFor();
  const good = `id,email,name,role\n${second},${second}@demo.example,Han,patient`;
  await chooser.setInputFiles({
    name: 'people.csv',
    mimeType: 'text/csv',
    buffer: Buffer.from(good),
  });
  await page.getByRole('button', { name: /导入1/ }).click();
  await page.locator('.document', { hasText: `${second}@demo.example` }).waitFor();
  await page.reload();
  await signIn(page, 'admin', zhDesktop);
  expect(await area.inputValue()).not.toContain(second);
});

/** Opens a consultation of the list, without a reload that would ask to sign in again. */
async function open(page: Page, id: string, { language }: Look): Promise<void> {
  const history = language === 'en' ? 'My consultations' : '我的问诊';
  await page.getByRole('link', { name: history }).click();
  await page.locator(`a[href="/consultations/${id}"]`).click();
  await page.getByRole('heading', { level: 1 }).waitFor();
}

/** A CSV as Excel saves it in Chinese; the second address is none. */
function gbkCsv(first: string, second: string): number[] {
  const before = `id,email,name,role\r\n${first},${first}@demo.example,`;
  const behind = `,patient\r\n${second},no-address,Han,patient\r\n`;
  return [...Buffer.from(before), 0xc0, 0xee, 0xc0, 0xd7, ...Buffer.from(behind)];
}

async function drop(page: Page, bytes: number[]): Promise<void> {
  const transfer = await page.evaluateHandle((bytes) => {
    const transfer = new DataTransfer();
    const file = new File([new Uint8Array(bytes)], 'people.csv', { type: 'text/csv' });
    transfer.items.add(file);
    return transfer;
  }, bytes);
  await page.locator('.dropzone').dispatchEvent('drop', { dataTransfer: transfer });
}
