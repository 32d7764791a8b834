import { api } from '../../api/api';
import type { Me } from '../../api/types';

export const authApi = api.injectEndpoints({
  endpoints: (build) => ({
    getMe: build.query<Me, void>({ query: () => ({ url: '/v1/users/me' }) }),
    signOutEverywhere: build.mutation<null, string>({
      query: (id) => ({ url: `/v1/users/${encodeURIComponent(id)}/sign-out`, method: 'POST' }),
    }),
  }),
});

export const { useSignOutEverywhereMutation } = authApi;
