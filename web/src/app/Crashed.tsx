import { Button } from 'antd';
import { useLocation, useNavigate, useNavigation, useRouteError } from 'react-router';
import { CallSentence } from '../components/CallSentence';
import { Page } from '../components/Page';
import { UrgencyBanner } from '../components/UrgencyBanner';
import { useTexts } from '../i18n/texts';
import { useAppSelector } from './hooks';
import { NotLoaded } from './notLoaded';
import { useOnline } from './useOnline';

/** In place of a page that has failed: what is wrong, and the next step. */
export function Crashed() {
  const t = useTexts();
  const error = useRouteError();
  const missing = error instanceof NotLoaded ? error : undefined;

  return (
    <Page title={t(missing ? 'app.notLoaded.title' : 'app.crashed.title')}>
      <Decision />
      <section className="card">
        {missing ? <Missing error={missing} /> : <Fault />}
        <p>
          <CallSentence text="failure.danger" />
        </p>
      </section>
    </Page>
  );
}

/** Of a consultation that was just sent the decision is known, though its page is not there. */
function Decision() {
  const { pathname } = useLocation();
  const accepted = useAppSelector((state) => state.accepted.last);
  if (!accepted || pathname !== `/consultations/${accepted.id}`) return null;

  const { urgency, advice, locale, red_flags: redFlags } = accepted;
  return <UrgencyBanner urgency={urgency} advice={advice} locale={locale} redFlags={redFlags} />;
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

/** Opens the page once more, if it can be without a reload, which asks to sign in again. */
function Missing({ error }: { error: NotLoaded }) {
  const t = useTexts();
  const isOnline = useOnline();
  const navigate = useNavigate();
  const { pathname, search } = useLocation();
  const isLoading = useNavigation().state === 'loading';
  const text = error.mayBeAskedAgain ? 'app.notLoaded.back' : 'app.notLoaded';

  const retry = () => {
    if (error.mayBeAskedAgain) void navigate(pathname + search, { replace: true });
    else reload();
  };

  return (
    <>
      <p role="alert">{t(isOnline ? text : 'app.notLoaded.offline')}</p>
      <div className="row">
        <Button type="primary" loading={isLoading} onClick={retry}>
          {t('app.retry')}
        </Button>
      </div>
    </>
  );
}

function reload() {
  window.location.reload();
}
