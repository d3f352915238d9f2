# syntax=docker/dockerfile:1
ARG NODE_VERSION=24.14

FROM node:${NODE_VERSION}-alpine AS base
WORKDIR /srv/app

FROM base AS deps
COPY package.json package-lock.json ./
RUN --mount=type=cache,target=/root/.npm \
    npm ci --omit=dev --no-audit --no-fund

FROM base AS build
COPY package.json package-lock.json ./
RUN --mount=type=cache,target=/root/.npm \
    npm ci --no-audit --no-fund
COPY tsconfig.json ./
COPY src ./src
RUN npm run build

FROM base
ENV NODE_ENV=production
COPY --from=deps --chown=node:node /srv/app/node_modules ./node_modules
COPY --from=build --chown=node:node /srv/app/dist ./dist
COPY --chown=node:node package.json ./
USER node
EXPOSE 3000
HEALTHCHECK --interval=30s --timeout=3s CMD ["node", "dist/health.js"]
CMD ["node", "dist/server.js"]
