package portalloc

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Results of an admission, as the metrics count them.
const (
	resultAdmitted = "admitted" // given a port
	resultDryRun   = "dry_run"  // shown a port, nothing reserved
	resultDenied   = "denied"   // no port free, or a pod that cannot have one
	resultIgnored  = "ignored"  // not the creation of a battle pod: let through untouched
	resultInvalid  = "invalid"  // not an admission review
)

// decode reads an AdmissionReview of the one version that there is, with a request.
func decode(body []byte) (*admissionv1.AdmissionRequest, error) {
	var review admissionv1.AdmissionReview
	if err := json.Unmarshal(body, &review); err != nil {
		return nil, fmt.Errorf("decode admission review: %w", err)
	}
	if want := admissionv1.SchemeGroupVersion.String(); review.APIVersion != want || review.Kind != "AdmissionReview" {
		return nil, fmt.Errorf("got %q of %q, want AdmissionReview of %s", review.Kind, review.APIVersion, want)
	}
	if review.Request == nil || review.Request.UID == "" {
		return nil, errors.New("admission review without a request")
	}
	return review.Request, nil
}

// decision is the answer to a request, and what the log says of it.
type decision struct {
	*admissionv1.AdmissionResponse
	result string
	pod    string // its name, or the beginning of the name that it will get
	port   int
}

// admit decides about one request.
func (s *server) admit(req *admissionv1.AdmissionRequest) decision {
	if reason := s.foreign(req); reason != "" {
		// Denying what the rules should not have sent here could lock a cluster out of itself, so it passes and is told about.
		return decision{result: resultIgnored, pod: req.Name, AdmissionResponse: &admissionv1.AdmissionResponse{
			UID: req.UID, Allowed: true,
			Warnings: []string{"port-allocator: " + reason + ": mend the rules of webhook " + s.cfg.Webhook},
		}}
	}
	var pod corev1.Pod
	if err := json.Unmarshal(req.Object.Raw, &pod); err != nil {
		return deny(req, req.Name, http.StatusBadRequest, metav1.StatusReasonBadRequest, fmt.Errorf("decode pod: %w", err))
	}
	name := cmp.Or(pod.Name, pod.GenerateName)
	// Asked before a port is taken, so that a hopeless pod costs none.
	if _, err := gameContainer(&pod); err != nil {
		return deny(req, name, http.StatusUnprocessableEntity, metav1.StatusReasonInvalid, err)
	}
	take, result := s.pool.Reserve, resultAdmitted
	if req.DryRun != nil && *req.DryRun {
		take, result = s.pool.Peek, resultDryRun
	}
	port, err := take()
	if err != nil {
		// As a quota answers: the pod's controller tries again later.
		return deny(req, name, http.StatusForbidden, metav1.StatusReasonForbidden, err)
	}
	ops, err := patch(&pod, port)
	if err != nil {
		return deny(req, name, http.StatusInternalServerError, metav1.StatusReasonInternalError, err)
	}
	kind := admissionv1.PatchTypeJSONPatch
	return decision{
		result: result, pod: name, port: port,
		AdmissionResponse: &admissionv1.AdmissionResponse{UID: req.UID, Allowed: true, Patch: ops, PatchType: &kind},
	}
}

// foreign says why a request is not the creation of a pod in the service's namespace; "" when it is.
func (s *server) foreign(req *admissionv1.AdmissionRequest) string {
	pods := metav1.GroupVersionResource{Version: "v1", Resource: "pods"}
	switch {
	case req.Resource != pods || req.SubResource != "":
		return fmt.Sprintf("asked about %s %q, not about pods", req.Resource.Resource, req.SubResource)
	case req.Operation != admissionv1.Create:
		return fmt.Sprintf("asked about %s, not about the creation of a pod", req.Operation)
	case req.Namespace != s.cfg.Namespace:
		return fmt.Sprintf("asked about namespace %q, not %q", req.Namespace, s.cfg.Namespace)
	}
	return ""
}

func deny(req *admissionv1.AdmissionRequest, pod string, code int32, reason metav1.StatusReason, err error) decision {
	return decision{result: resultDenied, pod: pod, AdmissionResponse: &admissionv1.AdmissionResponse{
		UID:    req.UID,
		Result: &metav1.Status{Status: metav1.StatusFailure, Code: code, Reason: reason, Message: err.Error()},
	}}
}
