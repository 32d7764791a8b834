import { Navigate } from 'react-router';
import { useAppSelector } from './hooks';
import { pagesOf } from './pages';

/** Sends each role to where it begins. */
export function HomePage() {
  const role = useAppSelector((state) => state.session.me?.role ?? 'patient');
  const [first] = pagesOf(role);
  return <Navigate to={first.path} replace />;
}
