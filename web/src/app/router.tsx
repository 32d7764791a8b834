import type { ComponentType } from 'react';
import { createBrowserRouter, useLoaderData } from 'react-router';
import { Crashed, CrashedAlone } from './Crashed';
import { NotFound } from './NotFound';
import { Shell } from './Shell';
import { HomePage } from './HomePage';
import { load } from './notLoaded';

/**
 * Each page is a chunk of its own, loaded when it is opened. By a loader, which is called each time:
 * the router's `lazy` does not try again what has failed.
 */
function page<Name extends string>(name: Name, chunk: () => Promise<Record<Name, ComponentType>>) {
  const loader = async (): Promise<Loaded> => ({ Page: (await load(chunk))[name] });
  return { loader, Component: LoadedPage };
}

interface Loaded {
  Page: ComponentType;
}

function LoadedPage() {
  const { Page } = useLoaderData<Loaded>();
  return <Page />;
}

const pages = [
  { index: true, element: <HomePage /> },
  {
    path: 'consultations/new',
    ...page('NewConsultationPage', () => import('../features/consultations/NewConsultationPage')),
  },
  {
    path: 'consultations/:id',
    ...page('ConsultationPage', () => import('../features/consultations/ConsultationPage')),
  },
  {
    path: 'consultations',
    ...page('HistoryPage', () => import('../features/consultations/HistoryPage')),
  },
  { path: 'clinic', ...page('ClinicPage', () => import('../features/clinician/ClinicPage')) },
  {
    path: 'knowledge',
    ...page('KnowledgePage', () => import('../features/clinician/KnowledgePage')),
  },
  { path: 'users', ...page('UsersPage', () => import('../features/admin/UsersPage')) },
  { path: 'audit', ...page('AuditPage', () => import('../features/admin/AuditPage')) },
  {
    path: 'operations',
    ...page('OperationsPage', () => import('../features/admin/OperationsPage')),
  },
  { path: '*', element: <NotFound /> },
];

export const router = createBrowserRouter([
  {
    element: <Shell />,
    errorElement: <CrashedAlone />,
    // The header stays where a page fails.
    children: [{ errorElement: <Crashed />, children: pages }],
  },
]);
