import { createBrowserRouter } from 'react-router';
import { Crashed, CrashedAlone } from './Crashed';
import { NotFound } from './NotFound';
import { Shell } from './Shell';
import { HomePage } from './HomePage';
import { load } from './notLoaded';

/** Each page is a chunk of its own, loaded when it is opened. */
export const router = createBrowserRouter([
  {
    element: <Shell />,
    errorElement: <CrashedAlone />,
    children: [
      {
        // The header stays where a page fails.
        errorElement: <Crashed />,
        children: [
          { index: true, element: <HomePage /> },
          {
            path: 'consultations/new',
            lazy: async () => {
              const { NewConsultationPage } = await load(
                () => import('../features/consultations/NewConsultationPage'),
              );
              return { Component: NewConsultationPage };
            },
          },
          {
            path: 'consultations/:id',
            lazy: async () => {
              const { ConsultationPage } = await load(
                () => import('../features/consultations/ConsultationPage'),
              );
              return { Component: ConsultationPage };
            },
          },
          {
            path: 'consultations',
            lazy: async () => {
              const { HistoryPage } = await load(
                () => import('../features/consultations/HistoryPage'),
              );
              return { Component: HistoryPage };
            },
          },
          {
            path: 'clinic',
            lazy: async () => {
              const { ClinicPage } = await load(() => import('../features/clinician/ClinicPage'));
              return { Component: ClinicPage };
            },
          },
          {
            path: 'knowledge',
            lazy: async () => {
              const { KnowledgePage } = await load(
                () => import('../features/clinician/KnowledgePage'),
              );
              return { Component: KnowledgePage };
            },
          },
          {
            path: 'users',
            lazy: async () => {
              const { UsersPage } = await load(() => import('../features/admin/UsersPage'));
              return { Component: UsersPage };
            },
          },
          {
            path: 'audit',
            lazy: async () => {
              const { AuditPage } = await load(() => import('../features/admin/AuditPage'));
              return { Component: AuditPage };
            },
          },
          {
            path: 'operations',
            lazy: async () => {
              const { OperationsPage } = await load(
                () => import('../features/admin/OperationsPage'),
              );
              return { Component: OperationsPage };
            },
          },
          { path: '*', element: <NotFound /> },
        ],
      },
    ],
  },
]);
