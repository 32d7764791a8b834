import type { Page, WebSocketRoute } from 'playwright-core';
import { expect, it } from 'vitest';
import { look, signIn, useBrowser, visit, WEB_URL } from './browser';
import { enDarkPhone, enDesktop, enPhone, zhPhone } from './looks';
import { callAs, newConsultation } from './people';

useBrowser();

/** Neither model is through before a slow machine has cut the line. */
const SLOW = '[primary:late-3000] [secondary:late-1700]';

it('a patient on a phone, in Chinese, from a photo to a report, though the connection is lost', async () => {
  const page = await visit(zhPhone);
  const cut = await holdTheLine(page);
  await signIn(page, 'patient', zhPhone);
  await page.getByLabel('症状').fill('咳嗽三天，有点流鼻涕，精神还好。' + SLOW);
  const picture = await page.screenshot({ clip: { x: 0, y: 0, width: 64, height: 64 } });
  const photo = { name: '喉咙.png', mimeType: 'image/png', buffer: picture };
  await page.locator('input[type=file]').setInputFiles(photo);
  await page.locator('.file[data-state=ready]', { hasText: '喉咙.png' }).waitFor();
  await page.getByRole('button', { name: '立即评估' }).click();

  // In the middle of the assessment the connection is lost, and a danger sign is told of.
  await page.locator('.writing').waitFor();
  await cut();
  await page.getByText('连接中断，正在定期查询').waitFor();
  const breathing = page.locator('[data-question="struggling_to_breathe"]');
  await breathing.getByRole('button', { name: '是', exact: true }).click();
  const call = page.getByRole('link', { name: '拨打120' });
  await call.waitFor();
  await expect.poll(() => isInView(page, '.call')).toBe(true);

  await page.getByRole('heading', { name: '评估', exact: true }).waitFor();
  await page.getByText(/^由.+生成$/).waitFor();
  expect(await page.locator('.urgency').getAttribute('data-urgency')).toBe('emergency');
  await page.getByRole('button', { name: '喉咙.png' }).waitFor();
  await page.getByRole('button', { name: '生成报告' }).click();
  const report = page.getByRole('link', { name: '打开报告' });
  await report.waitFor();
  const answer = await page.request.get((await report.getAttribute('href')) ?? '');
  expect(await answer.text()).toContain('咳嗽三天');
  await look(page, 'journey-zh-phone');
});

it('what an answer rests on is opened beside it, and what made it is said', async () => {
  const id = await newConsultation('I have crushing chest pain and cold sweats.');
  const page = await visit(enDesktop);
  await page.goto(`${WEB_URL}/consultations/${id}`);
  await signIn(page, 'patient', enDesktop);
  await page.getByText(/^Made by (primary|secondary) \(.+\)$/).waitFor();

  const source = page.locator('.sources a').first();
  const address = (await source.getAttribute('href')) ?? '';
  expect(address).toMatch(/^https:/);
  const context = page.context();
  const asked: Record<string, string>[] = [];
  await context.route(address, async (route) => {
    asked.push(await route.request().allHeaders());
    await route.fulfill({ contentType: 'text/html', body: '<h1>The source</h1>' });
  });
  const [opened] = await Promise.all([context.waitForEvent('page'), source.click()]);
  await opened.getByRole('heading', { name: 'The source' }).waitFor();
  // It is not told where it was followed, and cannot reach back.
  expect(asked[0]?.referer).toBeUndefined();
  expect(await opened.evaluate(() => window.opener === null)).toBe(true);
});

it('a patient reads their own words as theirs, and a clinician as the patient’s', async () => {
  const id = await newConsultation('A sore throat since yesterday.');
  const patient = await callAs('patient');
  const sent = await patient.post(`/v1/consultations/${id}/messages`, { text: 'It is worse.' });
  expect(sent.status).toBe(202);

  for (const [role, name] of [
    ['patient', 'You'],
    ['clinician', 'Patient'],
  ] as const) {
    const page = await visit(enPhone);
    await page.goto(`${WEB_URL}/consultations/${id}`);
    await signIn(page, role, enPhone);
    const message = page.locator('.message-patient', { hasText: 'It is worse.' });
    expect(await message.textContent()).toMatch(new RegExp(`^${name} · `));
    await page.context().close();
  }
});

it('an assessment that failed says what to do next', async () => {
  const id = await newConsultation('A sore throat since yesterday.');
  const page = await visit(enPhone);
  await page.route(`**/v1/consultations/${id}`, async (route) => {
    const consultation = (await (await route.fetch()).json()) as object;
    const failure = { code: 'models_failed', message: 'No model gave an answer.' };
    await route.fulfill({ json: { ...consultation, status: 'failed', assessment: null, failure } });
  });
  await page.goto(`${WEB_URL}/consultations/${id}`);
  await signIn(page, 'patient', enPhone);
  await page.getByText('Write again below').waitFor();
  await look(page, 'failed-en-phone');
  await page.getByRole('main').getByRole('link', { name: 'New consultation' }).click();
  await page.getByLabel('Symptoms').waitFor();
});

it('a clinic’s list and its people fit a phone', async () => {
  await newConsultation('I have crushing chest pain and cold sweats.');
  const clinician = await visit(enPhone);
  await signIn(clinician, 'clinician', enPhone);
  await clinician.locator('.list-row').first().waitFor();
  await look(clinician, 'clinic-en-phone');

  const importer = await callAs('admin');
  const person = {
    id: 'p-journey',
    name: '李四',
    email: 'p-journey@demo.example',
    role: 'patient',
  };
  expect((await importer.post('/v1/users/import', { users: [person] })).status).toBe(200);

  const admin = await visit(enDarkPhone);
  await signIn(admin, 'admin', enDarkPhone);
  await admin.getByRole('link', { name: 'People' }).click();
  await admin.getByRole('heading', { name: 'Import' }).waitFor();
  await admin.locator('.document').first().waitFor();
  await look(admin, 'users-en-phone-dark');
});

/** Takes the page's WebSocket through the test, which can cut it; it does not come back. */
async function holdTheLine(page: Page): Promise<() => Promise<void>> {
  const open: WebSocketRoute[] = [];
  let isCut = false;
  await page.routeWebSocket(/./, (socket) => {
    if (isCut) {
      void socket.close();
      return;
    }
    socket.connectToServer();
    open.push(socket);
  });

  return async () => {
    await expect.poll(() => open.length).toBeGreaterThan(0);
    isCut = true;
    await Promise.all(open.map((socket) => socket.close()));
  };
}

function isInView(page: Page, selector: string): Promise<boolean> {
  return page.locator(selector).evaluate((shown) => {
    const { top, bottom } = shown.getBoundingClientRect();
    return top >= 0 && bottom <= window.innerHeight;
  });
}
