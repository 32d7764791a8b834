import { Skeleton } from 'antd';
import { lazy, Suspense, useLayoutEffect } from 'react';
import { Outlet, useNavigation } from 'react-router';
import { CallSentence } from '../components/CallSentence';
import { stayHere } from '../components/useScrollPlace';
import { useTexts } from '../i18n/texts';
import { Header } from './Header';
import { useAppSelector } from './hooks';
import { loadOnce } from './notLoaded';
import { useOnline } from './useOnline';

const SignInPage = lazy(async () => {
  const { SignInPage } = await loadOnce(() => import('../features/auth/SignInPage'));
  return { default: SignInPage };
});

/**
 * What stands around every page. Who is not signed in gets the sign-in at the address that they came
 * to, and then the page itself.
 */
export function Shell() {
  const t = useTexts();
  const isSignedIn = useAppSelector((state) => state.session.status === 'signed_in');
  const isOnline = useOnline();
  const isLoading = useNavigation().state === 'loading';

  useLayoutEffect(() => {
    // The sign-in takes the page's place, and the page takes it back.
    stayHere();
    window.scrollTo(0, 0);
  }, [isSignedIn]);

  return (
    <>
      <a className="skip" href="#page">
        {t('app.skip')}
      </a>
      <Header />
      {!isOnline && (
        <p className="offline" role="status">
          {t('app.offline')} <CallSentence text="failure.danger" />
        </p>
      )}
      <main id="page" className="page" aria-busy={isLoading} tabIndex={-1}>
        <Suspense fallback={<Skeleton active />}>
          {isSignedIn ? <Outlet /> : <SignInPage />}
        </Suspense>
      </main>
      <footer className="footer">
        <CallSentence text="app.notice" />
      </footer>
    </>
  );
}
