import { Button } from 'antd';
import { useLocation, useNavigate, useNavigation, useRouteError } from 'react-router';
import { CallSentence } from '../components/CallSentence';
import { Page } from '../components/Page';
import { useTexts } from '../i18n/texts';
import { NotLoaded } from './notLoaded';
import { useOnline } from './useOnline';

/** In place of a page that has failed: what is wrong, and the next step. */
export function Crashed() {
  const t = useTexts();
  const isLoaded = !(useRouteError() instanceof NotLoaded);

  return (
    <Page title={t(isLoaded ? 'app.crashed.title' : 'app.notLoaded.title')}>
      <section className="card">
        {isLoaded ? <Fault /> : <Missing />}
        <p>
          <CallSentence text="failure.danger" />
        </p>
      </section>
    </Page>
  );
}

/** The same where nothing else of the page is there. */
export function CrashedAlone() {
  return (
    <main className="page">
      <Crashed />
    </main>
  );
}

function Fault() {
  const t = useTexts();
  return (
    <>
      <p role="alert">{t('app.crashed')}</p>
      <div className="row">
        <Button type="primary" onClick={reload}>
          {t('app.reload')}
        </Button>
        <a href="/">{t('app.home')}</a>
      </div>
    </>
  );
}

/** Opens the page once more without a reload, which would ask to sign in again. */
function Missing() {
  const t = useTexts();
  const isOnline = useOnline();
  const navigate = useNavigate();
  const { pathname, search } = useLocation();
  const isLoading = useNavigation().state === 'loading';

  return (
    <>
      <p role="alert">{t(isOnline ? 'app.notLoaded' : 'app.notLoaded.offline')}</p>
      <div className="row">
        <Button
          type="primary"
          loading={isLoading}
          onClick={() => void navigate(pathname + search, { replace: true })}
        >
          {t('app.retry')}
        </Button>
        {/* A browser may remember that a part did not come, and a new version has other parts. */}
        {isOnline && <Button onClick={reload}>{t('app.reload')}</Button>}
      </div>
    </>
  );
}

function reload() {
  window.location.reload();
}
