import { api } from '../../api/api';
import type { AcceptedUpload, Upload, UploadRequest } from '../../api/types';

export const uploadsApi = api.injectEndpoints({
  endpoints: (build) => ({
    requestUpload: build.mutation<AcceptedUpload, UploadRequest>({
      query: (body) => ({ url: '/v1/uploads', method: 'POST', body }),
    }),
    completeUpload: build.mutation<AcceptedUpload, string>({
      query: (id) => ({ url: `/v1/uploads/${id}/complete`, method: 'POST' }),
    }),
    getUpload: build.query<Upload, string>({
      query: (id) => ({ url: `/v1/uploads/${id}` }),
      // Its link works for some minutes only.
      keepUnusedDataFor: 60,
    }),
    removeUpload: build.mutation<null, string>({
      query: (id) => ({ url: `/v1/uploads/${id}`, method: 'DELETE' }),
    }),
  }),
});

export const { useGetUploadQuery, useLazyGetUploadQuery } = uploadsApi;
