import { expect, it } from 'vitest';
import { look, signIn, useBrowser, visit, WEB_URL } from './browser';
import { enDesktop } from './looks';
import { callAs, newConsultation } from './people';

/** A PDF of one empty page. */
const PDF = `%PDF-1.4
1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj
2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj
3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 72 72]>>endobj
trailer<</Root 1 0 R>>
%%EOF
`;

useBrowser();

it('a clinician asks for a PDF by a tap, and nothing is noted of it before', async () => {
  const patient = await visit(enDesktop);
  await signIn(patient, 'patient', enDesktop);
  await patient.getByLabel('Symptoms').fill('A sore knee, see the letter.');
  const letter = { name: 'letter.pdf', mimeType: 'application/pdf', buffer: Buffer.from(PDF) };
  await patient.locator('input[type=file]').setInputFiles(letter);
  await patient.locator('.file[data-state=ready]', { hasText: 'letter.pdf' }).waitFor();
  await patient.getByRole('button', { name: 'Assess now' }).click();
  await patient.getByRole('heading', { name: 'Assessment', exact: true }).waitFor();
  await patient.getByRole('button', { name: 'letter.pdf' }).waitFor();
  const id = patient.url().split('/').at(-1) ?? '';

  const page = await visit(enDesktop);
  await page.goto(`${WEB_URL}/consultations/${id}`);
  await signIn(page, 'clinician', enDesktop);
  const file = page.getByRole('button', { name: 'File 1' });
  await file.waitFor();
  await page.getByRole('heading', { name: 'How the answer was made' }).waitFor();
  expect(await readsNoted(id)).toBe(0);
  await look(page, 'file-en-desktop');

  // The CDN of the tests' stack has a name of AWS's, to which nobody answers here.
  await page.context().route('https://*.cloudfront.net/**/letter.pdf?*', (route) =>
    route.fulfill({
      contentType: 'application/pdf',
      headers: { 'content-disposition': 'attachment; filename="letter.pdf"' },
      body: PDF,
    }),
  );
  // The tab of the tap becomes the file, which the browser saves.
  const opened = page.context().waitForEvent('page');
  const download = opened.then((tab) => tab.waitForEvent('download'));
  const [saved] = await Promise.all([download, file.click()]);
  expect(saved.suggestedFilename()).toBe('letter.pdf');
  await page.getByRole('button', { name: 'letter.pdf' }).waitFor();
  expect(await readsNoted(id)).toBe(1);
});

it('a report whose links have ended is opened by new ones', async () => {
  const id = await newConsultation('A sore throat since yesterday.');
  const page = await visit(enDesktop);
  let isOld = true;
  await page.route(`**/v1/consultations/${id}`, async (route) => {
    const answer = await route.fetch();
    const json = (await answer.json()) as { report: object | null };
    const old = { expires_at: '2026-01-01T00:00:00Z', html_url: `${WEB_URL}/ended` };
    const report = json.report && isOld ? { ...json.report, ...old } : json.report;
    await route.fulfill({ json: { ...json, report } });
  });
  await page.goto(`${WEB_URL}/consultations/${id}`);
  await signIn(page, 'patient', enDesktop);
  await page.getByRole('button', { name: 'Write a report' }).click();
  const report = page.getByRole('link', { name: 'Open the report' });
  await report.waitFor();
  expect(await report.getAttribute('href')).toContain('/ended');

  isOld = false;
  const [tab] = await Promise.all([page.context().waitForEvent('page'), report.click()]);
  await tab.getByText('A sore throat since yesterday.').first().waitFor();
  expect(await tab.evaluate(() => window.opener === null)).toBe(true);
});

it('everything is saved as FHIR, under a name of its own', async () => {
  const id = await newConsultation('A sore throat since yesterday.');
  const page = await visit(enDesktop);
  await page.goto(`${WEB_URL}/consultations/${id}`);
  await signIn(page, 'patient', enDesktop);

  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Download as FHIR' }).click(),
  ]);
  expect(download.suggestedFilename()).toBe(`fhir-${id}.json`);
  const chunks = await (await download.createReadStream()).toArray();
  const bundle: unknown = JSON.parse(Buffer.concat(chunks as Buffer[]).toString('utf8'));
  expect(bundle).toMatchObject({ resourceType: 'Bundle' });
});

/** The reads of files of this consultation's patient by clinicians that the audit trail has. */
async function readsNoted(consultation: string): Promise<number> {
  const admin = await callAs('admin');
  const read = await admin.get(`/v1/consultations/${consultation}`);
  const { attachments } = (await read.json()) as { attachments: string[] };
  const trail = await admin.get('/v1/audit-events?limit=100');
  const { items } = (await trail.json()) as { items: AuditEvent[] };
  const isOfFile = ({ action, upload_id }: AuditEvent) =>
    action === 'read_upload' && attachments.includes(upload_id ?? '');
  return items.filter(isOfFile).length;
}

interface AuditEvent {
  action: string;
  upload_id?: string | null;
}
