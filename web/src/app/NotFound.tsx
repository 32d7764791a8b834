import { Link } from 'react-router';
import { Page } from '../components/Page';
import { useTexts } from '../i18n/texts';

export function NotFound() {
  const t = useTexts();
  return (
    <Page title={t('app.notFound')}>
      <Link to="/">{t('app.home')}</Link>
    </Page>
  );
}
