import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { look, signIn, useBrowser, visit, WEB_URL } from './browser';
import { enDesktop, zhDarkPhone } from './looks';
import { callAs, INGEST_MS, newConsultation } from './people';

useBrowser();

it('a clinician sees the most urgent first, and how an answer was made', async () => {
  await namePatient('Li Na');
  await complain('I have crushing chest pain and cold sweats.');
  await complain('A runny nose for two days.');

  const page = await visit(enDesktop);
  const asked: string[] = [];
  page.on('request', (request) => {
    const { pathname, search } = new URL(request.url());
    if (pathname === '/v1/consultations') asked.push(search);
  });
  await signIn(page, 'clinician', enDesktop);
  const rows = page.locator('.list-row');
  await rows.first().waitFor();
  // What is seen at first is one call, and the API's order.
  expect(asked).toEqual(['?limit=20&order=urgency&reviewed=false']);
  expect(await rows.first().textContent()).toContain('Emergency');
  expect(await rows.first().textContent()).toContain('Li Na');
  await look(page, 'clinic-en-desktop');

  const urgency = page.getByRole('radiogroup', { name: 'Urgency' });
  await urgency.getByText('Home care').click();
  await expect.poll(() => asked).toContain('?limit=20&urgency=self_care&reviewed=false');
  await urgency.getByText('Emergency').click();
  await expect.poll(() => asked).toContain('?limit=20&urgency=emergency&reviewed=false');
  await rows.first().waitFor();
  expect(await page.locator('.list-row .tag:not(.tag-emergency)').count()).toBe(0);
  await rows.first().getByRole('link').click();
  await page.locator('[data-step=models]').first().waitFor();
  expect(await page.locator('[data-step=search]').count()).toBeGreaterThan(0);
  expect(await page.getByRole('button', { name: 'Delete' }).count()).toBe(0);
  await look(page, 'clinic-consultation-en-desktop');
});

it('what a clinician has reviewed leaves the list, until the patient tells more', async () => {
  // Without the reviewed one, the list is not empty.
  await newConsultation('A runny nose for two days.');
  const id = await newConsultation('I have crushing chest pain and cold sweats.');
  const page = await visit(enDesktop);
  await signIn(page, 'clinician', enDesktop);
  const row = page.locator(`a[href="/consultations/${id}"]`);
  await row.click();
  await page.getByRole('button', { name: 'Mark as reviewed' }).click();
  await page.getByText(/Reviewed by you on/).waitFor();
  await look(page, 'review-en-desktop');

  await page.getByRole('link', { name: 'Consultations' }).click();
  await page.locator('.list-row').first().waitFor();
  await row.waitFor({ state: 'detached' });
  await page.getByRole('radiogroup', { name: 'Reviewed or not' }).getByText('All').click();
  await row.filter({ hasText: 'Reviewed' }).waitFor();

  const patient = await callAs('patient');
  const sent = await patient.post(`/v1/consultations/${id}/messages`, { text: 'It is worse.' });
  expect(sent.status).toBe(202);
  await page.getByRole('radiogroup', { name: 'Reviewed or not' }).getByText('To review').click();
  await row.waitFor();
});

it('what has changed since a clinician has read it is not marked unseen', async () => {
  const id = await newConsultation('A runny nose for two days.');
  const page = await visit(zhDarkPhone);
  await signIn(page, 'clinician', zhDarkPhone);
  // The page is told of nothing: it shows what was.
  await page.routeWebSocket(/./, () => undefined);
  await page.goto(`${WEB_URL}/consultations/${id}`);
  await signIn(page, 'clinician', zhDarkPhone);
  const mark = page.getByRole('button', { name: '标为已处理' });
  await mark.waitFor();

  const patient = await callAs('patient');
  const answers = { struggling_to_breathe: 'yes' };
  const answered = await patient.post(`/v1/consultations/${id}/answers`, { answers });
  expect(answered.status).toBe(200);
  await mark.click();
  await page.getByText('问诊有新内容，请看过后再标记。').waitFor();
  await page.locator('.urgency[data-urgency="emergency"]').waitFor();
  await look(page, 'review-refused-zh-phone-dark');
  await page.getByRole('button', { name: '我已看过' }).click();
  await mark.click();
  await page.getByText(/您已于.+处理/).waitFor();
});

it('what comes while a clinician reads is acknowledged before it is reviewed', async () => {
  const id = await newConsultation('A runny nose for two days.');
  const page = await visit(enDesktop);
  await page.goto(`${WEB_URL}/consultations/${id}`);
  await signIn(page, 'clinician', enDesktop);
  const mark = page.getByRole('button', { name: 'Mark as reviewed' });
  await mark.waitFor();
  expect(await mark.isEnabled()).toBe(true);

  // The page learns of it by itself, far below what the clinician looks at.
  const patient = await callAs('patient');
  const text = 'Now my left leg is swollen, too.';
  const sent = await patient.post(`/v1/consultations/${id}/messages`, { text });
  expect(sent.status).toBe(202);
  await page.getByText('Something has come while this page was open.').waitFor();
  await page.locator('.message', { hasText: text }).waitFor();
  expect(await mark.isDisabled()).toBe(true);
  await page.getByRole('heading', { name: 'Assessment', exact: true }).waitFor();
  await look(page, 'review-news-en-desktop');

  const seen = page.getByRole('button', { name: 'I have seen it' });
  await expect
    .poll(async () => {
      // The new assessment is something that has come, too.
      if (await seen.isVisible()) await seen.click();
      return page.getByText(/In progress|The assessment is being made/).count();
    })
    .toBe(0);
  if (await seen.isVisible()) await seen.click();
  await mark.click();
  await page.getByText(/Reviewed by you on/).waitFor();
});

it('a document is brought in, found, and deleted', async () => {
  const page = await visit(zhDarkPhone);
  await signIn(page, 'clinician', zhDarkPhone);
  await page.getByRole('link', { name: '知识库' }).click();

  const title = `花粉过敏 ${randomUUID().slice(0, 8)}`;
  await page.getByLabel('标题').fill(title);
  await page.getByLabel('来源', { exact: true }).fill('本院');
  await page.getByLabel('来源网址').fill('https://clinic.example.org/hay-fever');
  await page
    .getByLabel('正文')
    .fill('## 可能是什么\n\n花粉过敏引起打喷嚏。\n\n## 何时就医\n\n- 喘不过气时。');
  await page.getByRole('button', { name: '导入' }).click();

  const row = page.locator('.document[data-status=ready]', { hasText: title });
  await row.waitFor({ timeout: INGEST_MS });
  await page.getByLabel('问题').fill(title);
  await page.getByRole('button', { name: '检索' }).click();
  await page.locator('.passages > li', { hasText: title }).first().waitFor();
  await look(page, 'knowledge-zh-phone-dark');

  await row.getByRole('button', { name: `删除${title}` }).click();
  await page
    .getByRole('dialog')
    .getByRole('button', { name: `删除${title}` })
    .click();
  await row.waitFor({ state: 'detached' });
});

it('an admin imports people, and sees by line what was wrong', async () => {
  const page = await visit(enDesktop);
  await signIn(page, 'admin', enDesktop);
  await page.getByRole('link', { name: 'People' }).click();

  const name = `Li ${randomUUID().slice(0, 8)}`;
  const email = `${randomUUID()}@demo.example`;
  await page
    .getByLabel('People as CSV')
    .fill(
      `id,email,name,role\n${randomUUID()},${email},"${name}",patient\n${randomUUID()},no-address,Han,patient`,
    );
  await page.getByRole('button', { name: 'Import 2 rows' }).click();

  const fault = page.getByRole('table').getByRole('row').nth(1);
  await fault.waitFor();
  expect(await fault.getByRole('cell').allTextContents()).toEqual([
    '3',
    'email',
    expect.stringMatching(/\w/),
  ]);
  await page.getByText('Imported: 1').waitFor();
  await page.locator('.document', { hasText: name }).waitFor();
  await look(page, 'users-en-desktop');

  await page.getByRole('button', { name: `Sign out ${name}` }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Sign out' }).click();
  await page.getByText(`${name} was signed out.`).waitFor();
});

it('an admin sees the health with its charts, limits and circuits, and queues failed jobs again', async () => {
  const page = await visit(zhDarkPhone);
  await signIn(page, 'admin', zhDarkPhone);
  await page.getByRole('link', { name: '运维' }).click();

  await page.locator('[data-component=database]').getByText('正常').waitFor();
  await page
    .locator('[data-component=database]')
    .getByText(/\d+ 毫秒/)
    .waitFor();
  await page
    .locator('[data-component=disk]')
    .getByText(/已用 \d+%/)
    .waitFor();
  await page.getByRole('cell', { name: 'primary', exact: true }).waitFor();
  await page.getByRole('row', { name: /user 同一用户 每60秒100次/ }).waitFor();
  // A line needs two values: the page has looked again by then.
  const line = page.locator('[data-chart=database] path');
  await expect.poll(async () => line.getAttribute('d')).toMatch(/^M.+L/);
  await page.getByRole('button', { name: '全部重新排队' }).click();
  await page.getByText(/已重新排队：\d+/).waitFor();
  await look(page, 'operations-zh-phone-dark');
});

/** Has the patient of the demo imported by this name, unless they were. */
async function namePatient(name: string): Promise<void> {
  const patient = await callAs('patient');
  const { id } = (await (await patient.get('/v1/users/me')).json()) as { id: string };
  const admin = await callAs('admin');
  const person = { id, email: 'li.na@demo.example', name, role: 'patient' };
  expect((await admin.post('/v1/users/import', { users: [person] })).status).toBe(200);
}

/** A patient describes this, and waits for the assessment. */
async function complain(symptoms: string): Promise<void> {
  const page = await visit(enDesktop);
  await signIn(page, 'patient', enDesktop);
  await page.getByLabel('Symptoms').fill(symptoms);
  await page.getByRole('button', { name: 'Assess now' }).click();

  await page.getByRole('heading', { name: 'Assessment', exact: true }).waitFor();
  await page.context().close();
}
