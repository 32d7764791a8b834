import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { isInView, look, signIn, useBrowser, visit } from './browser';
import { enDarkPhone, enDesktop, zhDarkDesktop, zhPhone } from './looks';
import { newConsultation } from './people';

useBrowser();

it('a patient with a heart attack, in Chinese on a phone, sees at once whom to call', async () => {
  const page = await visit(zhPhone);
  await look(page, 'sign-in-zh-phone');
  await signIn(page, 'patient', zhPhone);

  await page.getByLabel('症状').fill('胸痛，放射到左臂，出冷汗');
  await page.getByLabel('年龄').fill('58');
  await page.getByText('男', { exact: true }).click();
  await page.getByLabel('既往病史和用药').fill('高血压');
  await look(page, 'new-zh-phone');
  await page.getByRole('button', { name: '立即评估' }).click();

  const banner = page.getByRole('alert').filter({ hasText: '紧急：请立即呼叫急救或去急诊' });
  await banner.waitFor();
  expect(await banner.getByRole('link', { name: '拨打120' }).getAttribute('href')).toBe('tel:120');
  // The button stands far down the page before, and the number at the top of this one.
  expect(await isInView(banner.getByRole('link', { name: '拨打120' }))).toBe(true);
  expect(await page.evaluate(() => window.scrollY)).toBe(0);

  await page.getByRole('heading', { name: '评估', exact: true }).waitFor();
  await look(page, 'emergency-zh-phone');
});

it('a “yes” to a danger sign raises the urgency', async () => {
  const page = await visit(enDesktop);
  await look(page, 'sign-in-en-desktop');
  await signIn(page, 'patient', enDesktop);

  await page.getByLabel('Symptoms').fill('A cough for three days, and a runny nose. I feel well.');
  await page.getByRole('button', { name: 'Assess now' }).click();
  await page.locator('.urgency').waitFor();
  expect(await page.locator('.urgency').getAttribute('data-urgency')).not.toBe('emergency');

  await page.getByRole('heading', { name: 'Please answer these questions' }).waitFor();
  await page.getByRole('heading', { name: 'Assessment', exact: true }).waitFor();
  await look(page, 'questions-en-desktop');

  const question = page.locator('[data-question="struggling_to_breathe"]');
  await question.getByRole('button', { name: 'Yes' }).click();
  await page.locator('.urgency[data-urgency="emergency"]').waitFor();
  expect(await page.getByRole('link', { name: 'Call 112' }).getAttribute('href')).toBe('tel:112');
  expect(await page.getByRole('link', { name: 'Call 999' }).isVisible()).toBe(true);
});

it('files are verified, attached, and what is no picture is refused', async () => {
  const page = await visit(enDarkPhone);
  await signIn(page, 'patient', enDarkPhone);
  await page.getByLabel('Symptoms').fill('An itchy rash on my arm since yesterday, see the photo.');

  const picture = await page.screenshot({ clip: { x: 0, y: 0, width: 64, height: 64 } });
  const chooser = page.locator('input[type=file]');
  await chooser.setInputFiles([
    { name: 'rash.png', mimeType: 'image/png', buffer: picture },
    { name: 'fake.png', mimeType: 'image/png', buffer: Buffer.from('<svg/>'.repeat(20)) },
  ]);
  await page.locator('.file[data-state=ready]', { hasText: 'rash.png' }).waitFor();
  await page.locator('.file[data-state=rejected]', { hasText: 'fake.png' }).waitFor();
  await look(page, 'uploads-en-phone-dark');

  // A draft outlives a reload, and the sign-in that follows it.
  await page.reload();
  await signIn(page, 'patient', enDarkPhone);
  expect(await page.getByLabel('Symptoms').inputValue()).toContain('itchy rash');
  await page.locator('.file[data-state=ready]', { hasText: 'rash.png' }).waitFor();

  await page.getByRole('button', { name: 'Assess now' }).click();
  await page.getByRole('button', { name: 'rash.png' }).waitFor();
  await page.getByRole('heading', { name: 'Assessment', exact: true }).waitFor();
  await look(page, 'consultation-en-phone-dark');
});

it('an answer by no model says so; a report is written, all of it saved, and erased', async () => {
  const page = await visit(zhDarkDesktop);
  await signIn(page, 'patient', zhDarkDesktop);
  await page.getByLabel('症状').fill('咳嗽三天，有点流鼻涕。[primary:500] [secondary:500]');
  await page.getByRole('button', { name: '立即评估' }).click();

  await page.locator('[data-degraded=all_ai_tiers_failed]').waitFor();
  await page.getByRole('button', { name: '生成报告' }).click();
  const report = page.getByRole('link', { name: '打开报告' });
  await report.waitFor();
  const answer = await page.request.get((await report.getAttribute('href')) ?? '');
  expect(await answer.text()).toContain('咳嗽三天');
  await look(page, 'degraded-zh-desktop-dark');

  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: '下载全部内容' }).click(),
  ]);
  const saved: unknown = JSON.parse(await readFile(await download.path(), 'utf8'));
  expect(saved).toMatchObject({ format: 'wenzhen.consultation.v1' });

  const address = page.url();
  await page.getByRole('button', { name: '删除' }).click();
  await page.getByRole('dialog', { name: '删除这次问诊？' }).waitFor();
  await page.getByRole('button', { name: '永久删除' }).click();
  await page.getByText('问诊已删除。').waitFor();
  await page.goto(address);
  await signIn(page, 'patient', zhDarkDesktop);
  await page.getByRole('alert').filter({ hasText: '内容不存在' }).waitFor();
});

it('the history has what a patient has described, and Back leads to where they were', async () => {
  const older = await newConsultation('A blister on the heel.');
  for (let number = 1; number <= 3; number++) await newConsultation(`A cough, time ${number}.`);
  const page = await visit(zhPhone);
  await signIn(page, 'patient', zhPhone);
  await page.getByRole('link', { name: '我的问诊' }).click();
  const row = page.locator(`a[href="/consultations/${older}"]`);
  await row.getByText('A blister on the heel.').waitFor();
  await look(page, 'history-zh-phone');

  await page.mouse.wheel(0, 5000);
  const place = () => page.evaluate(() => window.scrollY);
  await expect.poll(place).toBeGreaterThan(0);
  await row.scrollIntoViewIfNeeded();
  let before = -1;
  const isAtRest = async () => {
    const last = before;
    before = await place();
    return last === before;
  };
  await expect.poll(isAtRest, { interval: 300 }).toBe(true);
  await row.click();
  await page.locator('.urgency').waitFor();
  expect(await place()).toBe(0);
  await page.goBack();
  await row.waitFor();
  await expect.poll(place).toBe(before);
});
