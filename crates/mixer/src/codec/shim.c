/* A few plain functions over libvpx, so that no layout of its structures is known outside C. VP8, and decoding of VP9; one
   thread each. */

#include <stdint.h>
#include <stdlib.h>
#include <vpx/vp8cx.h>
#include <vpx/vp8dx.h>
#include <vpx/vpx_decoder.h>
#include <vpx/vpx_encoder.h>

/* Ticks of a second of the encoder's clock. */
#define CLOCK 90000

struct mixer_planes {
  const uint8_t *y, *u, *v;
  uint32_t y_stride, uv_stride, width, height;
};

/* ---- decoder ---------------------------------------------------------------------------------------------------------- */

struct mixer_decoder {
  vpx_codec_ctx_t context;
};

struct mixer_decoder *mixer_decoder_new(int vp9) {
  struct mixer_decoder *decoder = calloc(1, sizeof *decoder);
  vpx_codec_dec_cfg_t config = {.threads = 1};
  if (decoder && vpx_codec_dec_init(&decoder->context, vp9 ? vpx_codec_vp9_dx() : vpx_codec_vp8_dx(), &config, 0)) {
    free(decoder);
    return NULL;
  }
  return decoder;
}

void mixer_decoder_free(struct mixer_decoder *decoder) {
  vpx_codec_destroy(&decoder->context);
  free(decoder);
}

/* 0: a whole picture is in `planes`, good until the next call. 1: none is shown by this frame. -1: the frame is damaged. */
int mixer_decode(struct mixer_decoder *decoder, const uint8_t *bytes, uint32_t size, struct mixer_planes *planes) {
  vpx_codec_iter_t iterator = NULL;
  vpx_image_t *image;
  int corrupted = 0;
  if (vpx_codec_decode(&decoder->context, bytes, size, NULL, 0)) return -1;
  image = vpx_codec_get_frame(&decoder->context, &iterator);
  if (vpx_codec_control(&decoder->context, VP8D_GET_FRAME_CORRUPTED, &corrupted) || corrupted) return -1;
  if (!image) return 1;
  if (image->fmt != VPX_IMG_FMT_I420 || image->stride[0] < 0 || image->stride[1] < 0 || image->stride[1] != image->stride[2]) return -1;
  planes->y = image->planes[VPX_PLANE_Y];
  planes->u = image->planes[VPX_PLANE_U];
  planes->v = image->planes[VPX_PLANE_V];
  planes->y_stride = (uint32_t)image->stride[0];
  planes->uv_stride = (uint32_t)image->stride[1];
  planes->width = image->d_w;
  planes->height = image->d_h;
  return 0;
}

/* ---- encoder ---------------------------------------------------------------------------------------------------------- */

struct mixer_vp8_encoder {
  vpx_codec_ctx_t context;
  vpx_codec_enc_cfg_t config;
};

struct mixer_vp8_settings {
  uint32_t width, height, kbps;
  int32_t speed;
  uint32_t still;
};

static int encoder_open(struct mixer_vp8_encoder *encoder, const struct mixer_vp8_settings *settings) {
  vpx_codec_enc_cfg_t *config = &encoder->config;
  if (vpx_codec_enc_config_default(vpx_codec_vp8_cx(), config, 0)) return -1;
  config->g_w = settings->width;
  config->g_h = settings->height;
  config->g_threads = 1;
  config->g_timebase.num = 1;
  config->g_timebase.den = CLOCK;
  config->g_lag_in_frames = 0;
  config->g_error_resilient = 0;
  config->g_pass = VPX_RC_ONE_PASS;
  config->rc_end_usage = VPX_CBR;
  config->rc_target_bitrate = settings->kbps;
  config->rc_dropframe_thresh = 0;
  config->rc_resize_allowed = 0;
  config->rc_min_quantizer = 2;
  /* No frame is dropped, so that a difficult picture can only become coarser. */
  config->rc_max_quantizer = 63;
  config->rc_undershoot_pct = 100;
  config->rc_overshoot_pct = 15;
  config->rc_buf_initial_sz = 500;
  config->rc_buf_optimal_sz = 600;
  config->rc_buf_sz = 1000;
  /* Key frames come when they are asked for. */
  config->kf_mode = VPX_KF_DISABLED;
  config->kf_max_dist = INT32_MAX;
  if (vpx_codec_enc_init(&encoder->context, vpx_codec_vp8_cx(), config, 0)) return -1;
  if (vpx_codec_control(&encoder->context, VP8E_SET_CPUUSED, settings->speed) ||
      vpx_codec_control(&encoder->context, VP8E_SET_STATIC_THRESHOLD, settings->still) ||
      vpx_codec_control(&encoder->context, VP8E_SET_NOISE_SENSITIVITY, 0) ||
      vpx_codec_control(&encoder->context, VP8E_SET_TOKEN_PARTITIONS, VP8_ONE_TOKENPARTITION) ||
      vpx_codec_control(&encoder->context, VP8E_SET_MAX_INTRA_BITRATE_PCT, 600)) {
    vpx_codec_destroy(&encoder->context);
    return -1;
  }
  return 0;
}

struct mixer_vp8_encoder *mixer_vp8_encoder_new(const struct mixer_vp8_settings *settings) {
  struct mixer_vp8_encoder *encoder = calloc(1, sizeof *encoder);
  if (encoder && encoder_open(encoder, settings)) {
    free(encoder);
    return NULL;
  }
  return encoder;
}

void mixer_vp8_encoder_free(struct mixer_vp8_encoder *encoder) {
  vpx_codec_destroy(&encoder->context);
  free(encoder);
}

int mixer_vp8_encoder_set_kbps(struct mixer_vp8_encoder *encoder, uint32_t kbps) {
  encoder->config.rc_target_bitrate = kbps;
  return (int)vpx_codec_enc_config_set(&encoder->context, &encoder->config);
}

/* 0: a frame is in `bytes`, good until the next call, and `key` says whether it is a key frame. Else libvpx's reason. */
int mixer_vp8_encode(struct mixer_vp8_encoder *encoder, const struct mixer_planes *planes, int64_t pts, uint32_t duration, int *key,
                     const uint8_t **bytes, size_t *size) {
  vpx_codec_iter_t iterator = NULL;
  const vpx_codec_cx_pkt_t *packet;
  vpx_image_t image;
  vpx_codec_err_t error;
  /* Only to be given a header: its planes are replaced. */
  if (!vpx_img_wrap(&image, VPX_IMG_FMT_I420, planes->width, planes->height, 1, (unsigned char *)planes->y)) return VPX_CODEC_MEM_ERROR;
  image.planes[VPX_PLANE_Y] = (unsigned char *)planes->y;
  image.planes[VPX_PLANE_U] = (unsigned char *)planes->u;
  image.planes[VPX_PLANE_V] = (unsigned char *)planes->v;
  image.stride[VPX_PLANE_Y] = (int)planes->y_stride;
  image.stride[VPX_PLANE_U] = image.stride[VPX_PLANE_V] = (int)planes->uv_stride;
  error = vpx_codec_encode(&encoder->context, &image, pts, duration, *key ? VPX_EFLAG_FORCE_KF : 0, VPX_DL_REALTIME);
  if (error) return (int)error;
  while ((packet = vpx_codec_get_cx_data(&encoder->context, &iterator))) {
    if (packet->kind != VPX_CODEC_CX_FRAME_PKT) continue;
    *bytes = packet->data.frame.buf;
    *size = packet->data.frame.sz;
    *key = (packet->data.frame.flags & VPX_FRAME_IS_KEY) != 0;
    return 0;
  }
  return VPX_CODEC_ERROR;
}
