import { useTexts } from '../i18n/texts';

export function Crashed() {
  const t = useTexts();
  return (
    <main className="page">
      <p role="alert">{t('app.crashed')}</p>
      <a href="/">{t('app.home')}</a>
    </main>
  );
}
