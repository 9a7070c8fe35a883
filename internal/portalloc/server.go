package portalloc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"time"

	admissionv1 "k8s.io/api/admission/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// MutatePath is where the webhook listens.
const MutatePath = "/mutate"

// maxReview bounds a request's body. The API server takes objects of up to 3 MiB, and a review holds one pod and little more.
const maxReview = 4 << 20

// server answers admission reviews.
type server struct {
	cfg     Config
	pool    *Pool
	metrics *metrics
	log     *slog.Logger
}

// handler returns the webhook's routes.
func (s *server) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+MutatePath, s.mutate)
	return mux
}

func (s *server) mutate(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	req, status, err := s.read(w, r)
	if err != nil {
		s.metrics.observe(resultInvalid, time.Since(began))
		s.log.Warn("refused a request that is no admission review", "remote", r.RemoteAddr, "err", err)
		http.Error(w, err.Error(), status)
		return
	}
	d := s.admit(req)
	s.metrics.observe(d.result, time.Since(began))
	s.report(r.Context(), req, d)
	w.Header().Set("Content-Type", "application/json")
	err = json.NewEncoder(w).Encode(admissionv1.AdmissionReview{
		TypeMeta: metav1.TypeMeta{APIVersion: admissionv1.SchemeGroupVersion.String(), Kind: "AdmissionReview"},
		Response: d.AdmissionResponse,
	})
	if err != nil {
		// The API server has hung up: the pod will not be created, and its reservation ends by itself.
		s.log.Warn("send admission response", "uid", req.UID, "err", err)
	}
}

// read takes the review from the request, or says with which status to refuse it.
func (s *server) read(w http.ResponseWriter, r *http.Request) (*admissionv1.AdmissionRequest, int, error) {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" {
		return nil, http.StatusUnsupportedMediaType, fmt.Errorf("content type %q, want application/json", r.Header.Get("Content-Type"))
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxReview))
	if tooLarge := new(http.MaxBytesError); errors.As(err, &tooLarge) {
		return nil, http.StatusRequestEntityTooLarge, fmt.Errorf("admission review of more than %d bytes", tooLarge.Limit)
	}
	if err != nil {
		return nil, http.StatusBadRequest, fmt.Errorf("read admission review: %w", err)
	}
	req, err := decode(body)
	if err != nil {
		return nil, http.StatusBadRequest, err
	}
	return req, http.StatusOK, nil
}

func (s *server) report(ctx context.Context, req *admissionv1.AdmissionRequest, d decision) {
	level, args := slog.LevelInfo, []any{"result", d.result, "uid", req.UID, "namespace", req.Namespace, "pod", d.pod}
	switch {
	case !d.Allowed:
		level, args = slog.LevelError, append(args, "reason", d.Result.Message)
	case len(d.Warnings) > 0:
		level, args = slog.LevelWarn, append(args, "warnings", d.Warnings)
	default:
		args = append(args, "port", d.port)
	}
	s.log.Log(ctx, level, "admission", args...)
}
