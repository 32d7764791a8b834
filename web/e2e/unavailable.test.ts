import { expect, it } from 'vitest';
import { isInView, look, signIn, useBrowser, visit, WEB_URL } from './browser';
import { enPhone, zhPhone } from './looks';

useBrowser();

it('without its settings the client says in both languages what to do', async () => {
  const page = await visit(zhPhone);
  for (const refuse of [503, 'aborted'] as const) {
    await page.route('**/config.json', (route) =>
      refuse === 'aborted' ? route.abort() : route.fulfill({ status: refuse, body: '' }),
    );
    await page.reload();
    await page.getByRole('heading', { name: '页面无法加载' }).waitFor();
    await page.getByRole('heading', { name: 'The page could not be loaded' }).waitFor();
    const number = page.getByRole('link', { name: '120' }).first();
    expect(await number.getAttribute('href')).toBe('tel:120');
    await look(page, 'unavailable-phone');
    await page.unroute('**/config.json');
  }

  await page.getByRole('button', { name: '重新加载' }).click();
  await page.getByRole('heading', { name: '登录', exact: true }).waitFor();
});

it('without JavaScript the page says whom to call in an emergency', async () => {
  const page = await visit(enPhone);
  const html = await (await page.request.get(WEB_URL)).text();
  const [, words = ''] = /<noscript>(.+)<\/noscript>/s.exec(html) ?? [];
  expect(words).toContain('JavaScript');
  expect(words).toContain('href="tel:120"');
  expect(words).toContain('href="tel:112"');
});

it('a page that could not be loaded keeps the header, and is opened with one tap', async () => {
  const page = await visit(enPhone);
  await signIn(page, 'patient', enPhone);
  await page.getByLabel('Symptoms').fill('A sore throat.');
  await page.context().setOffline(true);
  await page.getByRole('link', { name: 'My consultations' }).click();

  await page.getByRole('heading', { name: 'This page could not be loaded' }).waitFor();
  await page.getByText('You are offline. Try again when you are back.').waitFor();
  await page.getByRole('navigation').waitFor();
  await look(page, 'not-loaded-en-phone');

  await page.context().setOffline(false);
  await page.getByRole('button', { name: 'Try again' }).click();
  await page.getByRole('heading', { name: 'My consultations' }).waitFor();
  await page.getByText(/You have no consultations yet|That is all|Load more/).waitFor();
});

it('a page that broke off is opened by a reload, and what was written is there', async () => {
  const page = await visit(enPhone);
  await signIn(page, 'patient', enPhone);
  await page.getByLabel('Symptoms').fill('A sore throat.');
  await page.route(/\/assets\/HistoryPage/, (route) => route.abort());
  await page.getByRole('link', { name: 'My consultations' }).click();
  await page.getByText('Check your connection, then try again.').waitFor();

  await page.unroute(/\/assets\/HistoryPage/);
  await page.getByRole('button', { name: 'Try again' }).click();
  await signIn(page, 'patient', enPhone);
  await page.getByRole('heading', { name: 'My consultations' }).waitFor();
  await page.getByRole('link', { name: 'New consultation' }).click();
  expect(await page.getByLabel('Symptoms').inputValue()).toBe('A sore throat.');
});

it('a decision is shown though the page of its consultation could not be loaded', async () => {
  const page = await visit(enPhone);
  await page.route(/\/assets\/ConsultationPage/, (route) => route.abort());
  await signIn(page, 'patient', enPhone);
  await page.getByLabel('Symptoms').fill('I have crushing chest pain and cold sweats.');
  await page.getByRole('button', { name: 'Assess now' }).click();

  await page.getByRole('heading', { name: 'This page could not be loaded' }).waitFor();
  const banner = page.locator('.urgency[data-urgency="emergency"]');
  expect(await isInView(banner.getByRole('link', { name: 'Call 112' }))).toBe(true);
  await look(page, 'not-loaded-emergency-en-phone');
});

it('the number to call is one tap away on every page', async () => {
  const page = await visit(enPhone);
  const inFooter = page.getByRole('contentinfo').getByRole('link', { name: '112' });
  expect(await inFooter.getAttribute('href')).toBe('tel:112');

  await signIn(page, 'patient', enPhone);
  const aboveField = page.locator('.danger').getByRole('link', { name: '112' });
  expect(await aboveField.getAttribute('href')).toBe('tel:112');
  await page.context().setOffline(true);
  await page.locator('.offline').getByRole('link', { name: '112' }).waitFor();
});

it('a page keeps its title and its scheme when colours and language change', async () => {
  const page = await visit(enPhone);
  await signIn(page, 'patient', enPhone);
  await expect.poll(() => page.title()).toBe('What is troubling you? · wenzhen');
  const scheme = () => page.evaluate(() => getComputedStyle(document.documentElement).colorScheme);
  expect(await scheme()).toBe('light');

  await page.getByRole('button', { name: 'Dark colours' }).click();
  await expect.poll(scheme).toBe('dark');
  expect(await page.title()).toBe('What is troubling you? · wenzhen');
  await page.getByRole('button', { name: '中文' }).click();
  await expect.poll(() => page.title()).toBe('您哪里不舒服？ · 问诊');
});
