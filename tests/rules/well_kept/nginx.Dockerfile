# syntax=docker/dockerfile:1
FROM node:24-alpine AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN --mount=type=cache,target=/root/.npm npm ci
COPY . .
RUN npm run build

FROM nginxinc/nginx-unprivileged:1.29-alpine
COPY nginx.conf /etc/nginx/conf.d/default.conf
COPY --from=build /app/dist /usr/share/nginx/html
ARG GIT_COMMIT
LABEL org.opencontainers.image.revision=$GIT_COMMIT
EXPOSE 8080
HEALTHCHECK CMD ["wget", "-qO", "/dev/null", "http://127.0.0.1:8080/"]
