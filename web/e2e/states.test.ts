import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { look, signIn, useBrowser, visit } from './browser';
import { enPhone, zhPhone } from './looks';

/** Looks like nothing, and is no white space: the API refuses it. */
const UNSEEN = '\u200b';

useBrowser();

it('a sign-in that fails says why, and what to do', async () => {
  const page = await visit(zhPhone);
  await page.getByLabel('电子邮箱').fill('nobody@demo.example');
  await page.getByLabel('密码').fill('not-the-Password-1');
  await page.getByRole('button', { name: '登录', exact: true }).click();
  await page.getByText('电子邮箱或密码不正确，请核对后重试。').waitFor();
  await look(page, 'sign-in-refused-zh-phone');

  const isCognito = (url: URL) => url.pathname.startsWith('/cognito');
  await page.route(isCognito, (route) => route.abort());
  await page.getByRole('button', { name: '登录', exact: true }).click();
  await page.getByText('无法连接登录服务，请检查网络后重试。').waitFor();
  await page.unroute(isCognito);

  const refusal = { __type: 'LimitExceededException', message: 'Attempt limit exceeded' };
  await page.route(isCognito, (route) => route.fulfill({ status: 400, json: refusal }));
  await page.getByRole('button', { name: '登录', exact: true }).click();
  await page.getByText('尝试次数过多').waitFor();
  await page.unroute(isCognito);
  await signIn(page, 'patient', zhPhone);
});

it('a value that the API refuses is marked at its field', async () => {
  const page = await visit(zhPhone);
  await signIn(page, 'patient', zhPhone);
  await page.getByLabel('症状').fill(UNSEEN);
  await page.getByRole('button', { name: '立即评估' }).click();

  await page.getByText('有内容需要更正。').waitFor();
  await page.locator('.ant-form-item-explain-error').first().waitFor();
  await look(page, 'refused-zh-phone');
});

it('over a limit, the client counts down and then lets try again', async () => {
  const page = await visit(enPhone);
  await signIn(page, 'patient', enPhone);
  await refuseNextCreate(page, 429, { 'retry-after': '9' });
  await page.getByLabel('Symptoms').fill('A sore throat since yesterday.');
  const send = page.getByRole('button', { name: 'Assess now' });
  await send.click();

  await page.getByText(/You can try again in \d s\./).waitFor();
  expect(await send.isDisabled()).toBe(true);
  await look(page, 'limit-en-phone');

  await send.click();
  await page.locator('.urgency').waitFor();
});

it('a token that no longer counts asks to sign in again, and what was written is there', async () => {
  const page = await visit(enPhone);
  await signIn(page, 'patient', enPhone);
  await page.getByLabel('Symptoms').fill('A sore throat, and a new rash.');
  await refuseNextCreate(page, 401, {});
  await page.getByRole('button', { name: 'Assess now' }).click();

  await page.getByText('Your session has ended.').waitFor();
  await signIn(page, 'patient', enPhone);
  expect(await page.getByLabel('Symptoms').inputValue()).toContain('a new rash');
});

it('without a network the page says so, and goes on when it is back', async () => {
  const page = await visit(enPhone);
  await signIn(page, 'patient', enPhone);
  await page.getByLabel('Symptoms').fill('A sore throat, as before.');
  await page.context().setOffline(true);
  await page.getByText('You are offline.').waitFor();

  const send = page.getByRole('button', { name: 'Assess now' });
  await send.click();
  await page.getByText('The server cannot be reached.').waitFor();
  await page.context().setOffline(false);
  await page.getByText('You are offline.').waitFor({ state: 'detached' });
  await send.click();
  await page.locator('.urgency').waitFor();
});

/** The stack gives these answers too, but not when a test wants them. */
async function refuseNextCreate(
  page: Page,
  status: number,
  headers: Record<string, string>,
): Promise<void> {
  const isCreate = (url: URL) => url.pathname === '/v1/consultations';
  const refuse = { status, headers, json: { title: 'Refused', detail: 'Try again later.' } };
  await page.route(isCreate, (route) => route.fulfill(refuse), { times: 1 });
}
