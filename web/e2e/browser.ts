import { copyFile, mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import chromium from '@sparticuz/chromium';
import axe from 'axe-core';
import {
  chromium as playwright,
  type Browser,
  type BrowserContext,
  type ConsoleMessage,
  type Locator,
  type Page,
} from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, type TestContext } from 'vitest';
import { newTenant, type Person } from './tenant';

/** Where `cargo xtask test` serves the client with its stack. */
export const WEB_URL = process.env.WEB_URL ?? 'http://127.0.0.1:8088';

const SCREENSHOTS = fileURLToPath(new URL('./screenshots/', import.meta.url));

/** What a test that failed has seen, to be opened with `npx playwright show-trace`. */
const TRACES = fileURLToPath(new URL('./traces/', import.meta.url));

/** Traces take time, which is spent where nobody looks on. */
const IS_TRACED = Boolean(process.env.CI);

/** The browser's package has no Chinese letters. */
const FONTS = ['400Regular/NotoSansSC_400Regular.ttf', '700Bold/NotoSansSC_700Bold.ttf'];

/** What the package's browser is given for functions, and people's browsers are not. */
const UNWANTED = [
  // In one process, visitors would share what the client stores.
  '--single-process',
  '--no-zygote',
  // What crosses origins needs to be allowed, as it does for people.
  '--disable-web-security',
  '--disable-site-isolation-trials',
  '--allow-running-insecure-content',
];

export const PHONE = { width: 360, height: 740 };
export const DESKTOP = { width: 1280, height: 800 };

export interface Look {
  language: 'zh' | 'en';
  theme: 'light' | 'dark';
  size: typeof PHONE;
}

export type RoleName = 'patient' | 'clinician' | 'admin';

/** A Chromium that came as a package, with a Chinese font beside its own. */
async function launch(): Promise<Browser> {
  const executablePath = await chromium.executablePath();
  const fonts = join(tmpdir(), 'fonts');
  for (const font of FONTS) {
    const file = fileURLToPath(import.meta.resolve(`@expo-google-fonts/noto-sans-sc/${font}`));
    await copyFile(file, join(fonts, basename(file)));
  }

  return playwright.launch({
    args: chromium.args.filter((arg) => !UNWANTED.includes(arg)),
    executablePath,
    headless: true,
    env: { ...process.env, FONTCONFIG_PATH: fonts },
  });
}

let browser: Browser | undefined;

interface Visitor {
  context: BrowserContext;
  faults: string[];
}

/** Whoever the test that runs has sent. */
let visitors: Visitor[] = [];

/** Whom the test that runs can sign in. */
let people: Person[] = [];

/**
 * Gives the tests of a file a browser, and each a tenant of its own, so that tests neither see nor
 * hold up each other. A test whose visitors have met a fault fails.
 */
export function useBrowser(): void {
  beforeAll(async () => {
    browser = await launch();
  });
  beforeEach(async () => {
    people = await newTenant(WEB_URL);
  });
  afterEach(async ({ task }) => {
    const ended = visitors;
    visitors = [];
    const faults = ended.flatMap((visitor) => visitor.faults);
    const hasFailed = task.result?.state === 'fail';
    // Of an attempt that another one makes good, the runner tells no more than that it was.
    if (hasFailed) console.error(task.result.errors?.at(-1)?.message);
    const isKept = hasFailed || faults.length > 0;
    await Promise.all(ended.map((visitor, number) => dismiss(visitor, task, isKept, number)));
    if (faults.length > 0) throw new Error(`A page has met a fault: ${faults.join('; ')}`);
  });
  afterAll(async () => {
    await browser?.close();
    if (process.env.AXE_FIGURES) console.table(axeFigures);
  });
}

/** Ends a visit; of a test that has failed, what was seen is kept. */
async function dismiss(
  { context }: Visitor,
  { name, result }: TestContext['task'],
  isKept: boolean,
  number: number,
): Promise<void> {
  const attempt = (result?.retryCount ?? 0) + 1;
  const file = `${name.replaceAll(/\W+/g, '-').slice(0, 60)}-${attempt}-${number}`;
  if (isKept) {
    await mkdir(TRACES, { recursive: true });
    const [page] = context.pages();
    await page?.screenshot({ path: `${TRACES}${file}.png` }).catch(() => undefined);
  }
  // A visitor that the test has sent home itself has no trace any more.
  const stop = IS_TRACED && context.tracing.stop(isKept ? { path: `${TRACES}${file}.zip` } : {});
  await (stop || Promise.resolve()).catch(() => undefined);
  // What the page still asks for is nobody's any more.
  for (const page of context.pages()) await page.unrouteAll({ behavior: 'ignoreErrors' });
  await context.close();
}

/** What the browser notes of calls that were refused or lost: tests have them refused and lost. */
const OF_CALLS = /^Failed to load resource|^WebSocket connection to/;

function isFault(message: ConsoleMessage): boolean {
  const text = message.text();
  const isError = message.type() === 'error' && !OF_CALLS.test(text);
  return isError || text.includes('Content Security Policy');
}

/** A page of a new visitor. What it logs as an error, such as a broken content policy, fails its test. */
export async function visit(look: Look): Promise<Page> {
  if (!browser) throw new Error('there is no browser: call useBrowser() first');
  const context = await browser.newContext({
    viewport: look.size,
    locale: look.language === 'zh' ? 'zh-CN' : 'en-GB',
    colorScheme: look.theme,
    reducedMotion: 'reduce',
    acceptDownloads: true,
  });
  const faults: string[] = [];
  visitors.push({ context, faults });
  if (IS_TRACED) await context.tracing.start({ screenshots: true, snapshots: true });
  await context.addInitScript(offerPeople, people);
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);

  page.on('pageerror', ({ message }) => faults.push(message));
  page.on('console', (message) => {
    if (isFault(message)) faults.push(message.text());
  });
  await page.goto(WEB_URL);
  await page.getByRole('heading', { level: 1 }).waitFor();
  return page;
}

/** One click signs in people of the test's own tenant, not of the demo's. */
function offerPeople(people: Person[]): void {
  const fetch = window.fetch.bind(window);
  window.fetch = async (input, init) => {
    const answer = await fetch(input, init);
    if (input !== '/config.json' || !answer.ok) return answer;
    return Response.json({ ...(await answer.json()), demoUsers: people });
  };
}

/** Of the test's own tenant. */
export function personOf(role: RoleName): Person {
  const person = people.find((person) => person.role === role);
  if (!person) throw new Error('there are no people: call useBrowser() first');
  return person;
}

const NAMES = {
  zh: { patient: '患者', clinician: '医生', admin: '管理员' },
  en: { patient: 'Patient', clinician: 'Clinician', admin: 'Administrator' },
};

export function buttonOf(page: Page, role: RoleName, look: Look): Locator {
  return page.getByRole('button', { name: NAMES[look.language][role], exact: true });
}

/** Signs in with the one click of the demo. */
export async function signIn(page: Page, role: RoleName, look: Look): Promise<void> {
  await buttonOf(page, role, look).click();
  await page.getByRole('navigation').waitFor();
}

/** What axe has found, by the name of the picture. */
const axeFigures: Record<string, object> = {};

/** Holds the page against the rules of accessibility (WCAG 2.2 A and AA, and best practices). */
export async function expectAccessible(page: Page, name: string): Promise<void> {
  await page.evaluate(axe.source);
  const { violations, ...figures } = await page.evaluate(async () => {
    const result = await (window as unknown as { axe: typeof axe }).axe.run();
    const { violations, passes, incomplete, inapplicable } = result;
    return {
      violations: violations.map(
        ({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(' | ')}`,
      ),
      passes: passes.length,
      'left to a person': incomplete.map(({ id }) => id).join(', '),
      'not applicable': inapplicable.length,
    };
  });
  axeFigures[name] = { ...figures, violations: violations.length };
  expect(violations).toEqual([]);
}

/** Nothing is wider than the screen. */
export async function expectNoOverflow(page: Page): Promise<void> {
  const [content, screen] = await page.evaluate(() => [
    document.documentElement.scrollWidth,
    document.documentElement.clientWidth,
  ]);
  expect(content).toBeLessThanOrEqual(screen);
}

/** Whether the whole of it is seen without scrolling. */
export function isInView(element: Locator): Promise<boolean> {
  return element.evaluate((shown) => {
    const { top, bottom } = shown.getBoundingClientRect();
    return top >= 0 && bottom <= window.innerHeight;
  });
}

/** A picture of the page for people to look at, and the checks that hold of every page. */
export async function look(page: Page, name: string): Promise<void> {
  await page.screenshot({ path: `${SCREENSHOTS}${name}.png`, fullPage: true });
  await expectNoOverflow(page);
  await expectAccessible(page, name);
}
