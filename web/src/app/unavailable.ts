/** What to do, before any text of the client can be had. Its numbers are not known either. */
const TEXTS = [
  {
    lang: 'zh-CN',
    title: '页面无法加载',
    what: '请检查网络，然后重新加载。如遇紧急情况，请不要等待，立即拨打当地急救电话，例如：',
    reload: '重新加载',
    numbers: ['120', '112'],
  },
  {
    lang: 'en',
    title: 'The page could not be loaded',
    what: 'Check your connection, then reload. In an emergency do not wait: call your local emergency number, such as ',
    reload: 'Reload',
    numbers: ['112', '911', '999'],
  },
];

/** Shows, in both languages, that the client could not begin, and what to do. */
export function showUnavailable(root: HTMLElement): void {
  const page = element('main', '');
  page.className = 'page unavailable';
  for (const { lang, title, what, reload, numbers } of TEXTS) {
    const part = element('section', '');
    part.className = 'card';
    part.lang = lang;
    part.append(element('h1', title), withNumbers(element('p', what), numbers), button(reload));
    page.append(part);
  }
  root.replaceChildren(page);
}

function withNumbers(sentence: HTMLElement, numbers: string[]): HTMLElement {
  for (const number of numbers) {
    const link = document.createElement('a');
    link.className = 'call-link';
    link.href = `tel:${number}`;
    link.textContent = number;
    sentence.append(link, ' \u00a0');
  }
  return sentence;
}

function button(text: string): HTMLElement {
  const reload = element('button', text);
  reload.className = 'reload';
  reload.addEventListener('click', () => {
    window.location.reload();
  });
  return reload;
}

function element(name: string, text: string): HTMLElement {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}
