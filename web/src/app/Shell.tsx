import { Skeleton } from 'antd';
import { lazy, Suspense } from 'react';
import { Outlet, useNavigation } from 'react-router';
import { firstNumber } from '../components/emergency';
import { useLanguage, useTexts } from '../i18n/texts';
import { Header } from './Header';
import { useAppSelector } from './hooks';
import { useOnline } from './useOnline';

const SignInPage = lazy(async () => {
  const { SignInPage } = await import('../features/auth/SignInPage');
  return { default: SignInPage };
});

/**
 * What stands around every page. Who is not signed in gets the sign-in at the address that they came
 * to, and then the page itself.
 */
export function Shell() {
  const t = useTexts();
  const language = useLanguage();
  const isSignedIn = useAppSelector((state) => state.session.status === 'signed_in');
  const isOnline = useOnline();
  const isLoading = useNavigation().state === 'loading';

  return (
    <>
      <a className="skip" href="#page">
        {t('app.skip')}
      </a>
      <Header />
      {!isOnline && (
        <p className="offline" role="status">
          {t('app.offline')}
        </p>
      )}
      <main id="page" className="page" aria-busy={isLoading} tabIndex={-1}>
        <Suspense fallback={<Skeleton active />}>
          {isSignedIn ? <Outlet /> : <SignInPage />}
        </Suspense>
      </main>
      <footer className="footer">{t('app.notice', { number: firstNumber(language) })}</footer>
    </>
  );
}
