{{/* The name of a part: release and component. Context: dict "root" $ "name" NAME. */}}
{{- define "complaints.fullname" -}}
{{- printf "%s-%s" (.root.Release.Name | trunc 40 | trimSuffix "-") .name -}}
{{- end }}

{{- define "complaints.selector" -}}
app.kubernetes.io/name: {{ .root.Chart.Name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .name }}
{{- end }}

{{- define "complaints.labels" -}}
{{ include "complaints.selector" . }}
app.kubernetes.io/version: {{ .root.Values.image.tag | default .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version }}
{{- end }}

{{/* Context: dict "root" $ "image" consumer or trainer. */}}
{{- define "complaints.image" -}}
{{- $digest := get .root.Values.image.digests .image -}}
{{ .root.Values.image.registry }}/{{ .image }}{{ if $digest }}@{{ $digest }}{{ else }}:{{ .root.Values.image.tag | default .root.Chart.AppVersion }}{{ end }}
{{- end }}

{{/* The settings of a component: those of the lake, of Kafka where it connects to it, and its own. Context: root, values, kafka. */}}
{{- define "complaints.config" -}}
{{- $config := deepCopy .root.Values.lake.config -}}
{{- if .kafka }}{{ $config = mergeOverwrite $config (deepCopy .root.Values.kafka.config) }}{{ end -}}
{{- range $name, $value := mergeOverwrite $config (deepCopy (.values.config | default dict)) }}
{{- if not (kindIs "invalid" $value) }}
{{ $name }}: {{ toJson $value }}
{{- end }}
{{- end }}
{{- end }}

{{/* The settings file, and the account of a component. Context: root, name, values, kafka. */}}
{{- define "complaints.files" -}}
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ include "complaints.fullname" . }}
  namespace: {{ .root.Release.Namespace }}
  labels: {{- include "complaints.labels" . | nindent 4 }}
data:
  config.yaml: | {{- include "complaints.config" . | trim | nindent 4 }}
---
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ include "complaints.fullname" . }}
  namespace: {{ .root.Release.Namespace }}
  labels: {{- include "complaints.labels" . | nindent 4 }}
  {{- with .values.serviceAccount.annotations }}
  annotations: {{- toYaml . | nindent 4 }}
  {{- end }}
automountServiceAccountToken: false
{{- end }}

{{/* Metadata of a pod. The checksum lets a change of the settings replace the pods. */}}
{{- define "complaints.podMetadata" -}}
labels: {{- include "complaints.labels" . | nindent 2 }}
annotations:
  checksum/config: {{ include "complaints.config" . | sha256sum }}
  {{- with .values.podAnnotations }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}

{{- define "complaints.podSpec" -}}
serviceAccountName: {{ include "complaints.fullname" . }}
automountServiceAccountToken: false
{{- with .root.Values.image.pullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: 65532
  runAsGroup: 65532
  fsGroup: 65532
  seccompProfile: {type: RuntimeDefault}
{{- with .values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
volumes:
  - name: config
    configMap: {name: {{ include "complaints.fullname" . }}}
  - name: tmp
    emptyDir: {sizeLimit: {{ .values.scratch | default "1Gi" }}}
  {{- if and .kafka .root.Values.kafka.tlsSecret }}
  - name: kafka-tls
    secret: {secretName: {{ .root.Values.kafka.tlsSecret }}}
  {{- end }}
  {{- with .root.Values.lake.credentialsSecret }}
  - name: aws
    secret: {secretName: {{ . }}}
  {{- end }}
  {{- range $setting, $secret := .values.secrets }}
  - name: secret-{{ $setting }}
    secret:
      secretName: {{ $secret.name }}
      items: [{key: {{ $secret.key }}, path: value}]
  {{- end }}
{{- end }}

{{/* What all containers have. Context: root, name, values, kafka, image. */}}
{{- define "complaints.container" -}}
image: {{ include "complaints.image" . }}
imagePullPolicy: {{ .root.Values.image.pullPolicy }}
args: [run]
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  runAsNonRoot: true
  capabilities: {drop: [ALL]}
resources: {{- toYaml .values.resources | nindent 2 }}
volumeMounts:
  - {name: config, mountPath: /etc/complaints/config, readOnly: true}
  - {name: tmp, mountPath: /tmp}
  {{- if and .kafka .root.Values.kafka.tlsSecret }}
  - {name: kafka-tls, mountPath: /etc/complaints/kafka, readOnly: true}
  {{- end }}
  {{- if .root.Values.lake.credentialsSecret }}
  - {name: aws, mountPath: /etc/complaints/aws, readOnly: true}
  {{- end }}
  {{- range $setting, $secret := .values.secrets }}
  - {name: secret-{{ $setting }}, mountPath: /etc/complaints/secrets/{{ $setting }}, readOnly: true}
  {{- end }}
env:
  - {name: COMPLAINTS_CONFIG, value: /etc/complaints/config/config.yaml}
  {{- if .root.Values.lake.credentialsSecret }}
  - {name: AWS_SHARED_CREDENTIALS_FILE, value: /etc/complaints/aws/credentials}
  {{- end }}
  {{- range $setting, $secret := .values.secrets }}
  - {name: COMPLAINTS_{{ $setting | upper | replace "-" "_" }}_FILE, value: /etc/complaints/secrets/{{ $setting }}/value}
  {{- end }}
{{- end }}

{{/* Probes and port of what serves HTTP: each consumer does, if only health and metrics. */}}
{{- define "complaints.http" -}}
ports:
  - {name: http, containerPort: 8000}
startupProbe:
  httpGet: {path: /healthz, port: http}
  periodSeconds: 5
  failureThreshold: 24
livenessProbe:
  httpGet: {path: /healthz, port: http}
  periodSeconds: 15
  timeoutSeconds: 5
  failureThreshold: 4
readinessProbe:
  httpGet: {path: /readyz, port: http}
  periodSeconds: 10
  timeoutSeconds: 5
{{- end }}

{{/* A Service; headless for a StatefulSet. Context: root, name, headless. */}}
{{- define "complaints.service" -}}
apiVersion: v1
kind: Service
metadata:
  name: {{ include "complaints.fullname" . }}
  namespace: {{ .root.Release.Namespace }}
  labels: {{- include "complaints.labels" . | nindent 4 }}
spec:
  {{- if .headless }}
  clusterIP: None
  {{- end }}
  selector: {{- include "complaints.selector" . | nindent 4 }}
  ports:
    - {name: http, port: 8000, targetPort: http}
{{- end }}

{{- define "complaints.disruptionBudget" -}}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ include "complaints.fullname" . }}
  namespace: {{ .root.Release.Namespace }}
  labels: {{- include "complaints.labels" . | nindent 4 }}
spec:
  maxUnavailable: {{ .values.maxUnavailable }}
  selector:
    matchLabels: {{- include "complaints.selector" . | nindent 6 }}
{{- end }}
