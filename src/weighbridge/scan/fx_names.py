"""
The names that the source of a graph module may use: what `torch.fx` prints for computations.

Everything here computes tensors from tensors, whatever it is called with. What reads or writes
files, imports, compiles, calls what it is given or hands out memory is not: `from_file`, `load`,
`numpy`, `data_ptr`, `storage`, `as_strided`, `apply_`, `register_hook`, `backward`. The functions
and methods are those of torch 2.13 that are operators of `scan/operators/torch.txt` as well, read
one by one, and what `torch.fx` prints as a method that is none.
"""

from typing import Final

_TORCH: Final = """
    abs abs_ absolute acos acos_ acosh acosh_ adaptive_avg_pool1d adaptive_max_pool1d add addbmm
    addcdiv addcmul addmm addmv addmv_ addr adjoint affine_grid_generator all allclose
    alpha_dropout alpha_dropout_ amax amin aminmax angle any arange arccos arccos_ arccosh
    arccosh_ arcsin arcsin_ arcsinh arcsinh_ arctan arctan2 arctan_ arctanh arctanh_ argmax argmin
    argsort argwhere asin asin_ asinh asinh_ atan atan2 atan_ atanh atanh_ atleast_1d atleast_2d
    atleast_3d avg_pool1d baddbmm bartlett_window batch_norm bernoulli bilinear
    binary_cross_entropy_with_logits bincount binomial bitwise_and bitwise_left_shift bitwise_not
    bitwise_or bitwise_right_shift bitwise_xor blackman_window block_diag bmm broadcast_tensors
    broadcast_to bucketize cartesian_prod cat cdist ceil ceil_ celu celu_ chain_matmul
    channel_shuffle cholesky cholesky_solve chunk clamp clamp_ clamp_max clamp_max_ clamp_min
    clamp_min_ clip clip_ clone column_stack combinations complex concat concatenate conj
    conj_physical conj_physical_ constant_pad_nd conv1d conv2d conv3d conv_transpose1d
    conv_transpose2d conv_transpose3d copysign corrcoef cos cos_ cosh cosh_ cosine_embedding_loss
    cosine_similarity count_nonzero cov cross ctc_loss cummax cummin cumprod cumsum
    cumulative_trapezoid deg2rad deg2rad_ dequantize det detach diag diag_embed diagflat diagonal
    diagonal_scatter diff digamma dist div divide dot dropout dropout_ dsplit dstack einsum
    embedding embedding_bag empty empty_like eq equal erf erf_ erfc erfc_ erfinv exp exp2 exp2_
    exp_ expm1 expm1_ eye fake_quantize_per_channel_affine fake_quantize_per_tensor_affine
    feature_alpha_dropout feature_alpha_dropout_ feature_dropout feature_dropout_ fill fill_ fix
    fix_ flatten flip fliplr flipud float_power floor floor_ floor_divide fmax fmin fmod frac
    frac_ frexp frobenius_norm full full_like gather gcd gcd_ ge ger gradient greater
    greater_equal grid_sampler grid_sampler_2d grid_sampler_3d group_norm gt hamming_window
    hann_window hardshrink heaviside hinge_embedding_loss histc histogram hsplit hstack hypot i0
    i0_ igamma igammac index_add index_fill index_put index_put_ index_reduce index_select inner
    instance_norm inverse is_complex is_floating_point is_signed isclose isfinite isin isinf isnan
    isneginf isposinf isreal kaiser_window kl_div kron kthvalue layer_norm lcm lcm_ ldexp ldexp_
    le lerp less less_equal lgamma linspace log log10 log10_ log1p log1p_ log2 log2_ log_
    log_softmax logaddexp logaddexp2 logcumsumexp logdet logical_and logical_not logical_or
    logical_xor logit logit_ logspace logsumexp lt lu_solve lu_unpack margin_ranking_loss
    masked_fill masked_scatter masked_select matmul matrix_exp matrix_power max max_pool1d
    max_pool1d_with_indices max_pool2d max_pool3d maximum mean median meshgrid min minimum mm mode
    moveaxis movedim msort mul multinomial multiply mv mvlgamma nan_to_num nan_to_num_ nanmean
    nanmedian nanquantile nansum narrow ne neg neg_ negative negative_ nextafter nonzero
    nonzero_static norm norm_except_dim normal not_equal nuclear_norm numel ones ones_like outer
    pairwise_distance pdist permute pinverse pixel_shuffle pixel_unshuffle poisson
    poisson_nll_loss polar polygamma positive pow prelu prod q_per_channel_axis
    q_per_channel_scales q_per_channel_zero_points q_scale q_zero_point qr quantile
    quantize_per_channel quantize_per_tensor quantize_per_tensor_dynamic quantized_batch_norm
    quantized_max_pool1d quantized_max_pool2d quantized_max_pool3d rad2deg rad2deg_ rand rand_like
    randint randint_like randn randn_like randperm ravel reciprocal reciprocal_ relu relu_
    remainder renorm repeat_interleave reshape rms_norm roll rot90 round round_ row_stack rrelu
    rrelu_ rsqrt rsqrt_ rsub scalar_tensor scatter scatter_add scatter_reduce searchsorted select
    select_scatter selu selu_ sgn sigmoid sigmoid_ sign signbit sin sin_ sinc sinc_ sinh sinh_
    slogdet softmax sort split split_with_sizes sqrt sqrt_ square square_ squeeze stack std
    std_mean stft sub subtract sum svd swapaxes swapdims t take take_along_dim tan tan_ tanh tanh_
    tensor_split tensordot threshold threshold_ tile topk trace transpose trapezoid trapz
    triangular_solve tril tril_indices triplet_margin_loss triu triu_indices true_divide trunc
    trunc_ unbind unflatten unique_consecutive unsqueeze vander var var_mean vdot view_as_complex
    view_as_real vsplit vstack where xlogy xlogy_ zero_ zeros zeros_like
    """
"""Functions of `torch`."""

_FUNCTIONAL: Final = """
    adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d adaptive_max_pool1d
    adaptive_max_pool1d_with_indices adaptive_max_pool2d adaptive_max_pool2d_with_indices
    adaptive_max_pool3d adaptive_max_pool3d_with_indices affine_grid alpha_dropout avg_pool1d
    avg_pool2d avg_pool3d batch_norm bilinear binary_cross_entropy
    binary_cross_entropy_with_logits celu celu_ channel_shuffle conv1d conv2d conv3d
    conv_transpose1d conv_transpose2d conv_transpose3d cosine_embedding_loss cosine_similarity
    cross_entropy ctc_loss dropout dropout1d dropout2d dropout3d elu elu_ embedding embedding_bag
    feature_alpha_dropout fold fractional_max_pool2d fractional_max_pool2d_with_indices
    fractional_max_pool3d fractional_max_pool3d_with_indices gaussian_nll_loss gelu glu
    grid_sample group_norm hardshrink hardsigmoid hardswish hardtanh hardtanh_
    hinge_embedding_loss huber_loss instance_norm interpolate kl_div l1_loss layer_norm leaky_relu
    leaky_relu_ linear local_response_norm log_softmax logsigmoid lp_pool1d lp_pool2d lp_pool3d
    margin_ranking_loss max_pool1d max_pool1d_with_indices max_pool2d max_pool2d_with_indices
    max_pool3d max_pool3d_with_indices max_unpool1d max_unpool2d max_unpool3d mish mse_loss
    multi_head_attention_forward multi_margin_loss multilabel_margin_loss
    multilabel_soft_margin_loss nll_loss normalize one_hot pad pairwise_distance pdist
    pixel_shuffle pixel_unshuffle poisson_nll_loss prelu relu relu6 relu_ rms_norm rrelu rrelu_
    scaled_dot_product_attention selu selu_ sigmoid silu smooth_l1_loss soft_margin_loss softmax
    softmin softplus softshrink softsign tanh tanhshrink threshold threshold_ triplet_margin_loss
    unfold upsample upsample_bilinear upsample_nearest
    """
"""Functions of `torch.nn.functional`."""

_COMPILED: Final = """
    adaptive_avg_pool2d adaptive_avg_pool3d adaptive_max_pool2d adaptive_max_pool3d avg_pool2d
    avg_pool3d binary_cross_entropy col2im elu elu_ gelu gelu_ glu hardsigmoid hardsigmoid_
    hardswish hardswish_ hardtanh hardtanh_ huber_loss im2col l1_loss leaky_relu leaky_relu_
    linear log_sigmoid max_pool2d_with_indices max_pool3d_with_indices max_unpool2d max_unpool3d
    mish mish_ mse_loss multi_margin_loss multilabel_margin_loss one_hot pad pad_sequence
    reflection_pad1d reflection_pad2d reflection_pad3d relu6 relu6_ replication_pad1d
    replication_pad2d replication_pad3d scaled_dot_product_attention silu silu_ smooth_l1_loss
    soft_margin_loss softplus softshrink upsample_bicubic2d upsample_bilinear2d upsample_linear1d
    upsample_nearest1d upsample_nearest2d upsample_nearest3d upsample_trilinear3d
    """
"""Functions of `torch._C._nn`, of which `torch.nn.functional` has some."""

_METHODS: Final = """
    abs abs_ absolute absolute_ acos acos_ acosh acosh_ add add_ addbmm addbmm_ addcdiv addcdiv_
    addcmul addcmul_ addmm addmm_ addmv addmv_ addr addr_ adjoint all allclose amax amin aminmax
    angle any arccos arccos_ arccosh arccosh_ arcsin arcsin_ arcsinh arcsinh_ arctan arctan2
    arctan2_ arctan_ arctanh arctanh_ argmax argmin argsort argwhere asin asin_ asinh asinh_ atan
    atan2 atan2_ atan_ atanh atanh_ baddbmm baddbmm_ bernoulli bernoulli_ bfloat16 bincount
    bitwise_and bitwise_and_ bitwise_left_shift bitwise_left_shift_ bitwise_not bitwise_not_
    bitwise_or bitwise_or_ bitwise_right_shift bitwise_right_shift_ bitwise_xor bitwise_xor_ bmm
    bool broadcast_to byte ceil ceil_ chalf cholesky cholesky_solve chunk clamp clamp_ clamp_max
    clamp_max_ clamp_min clamp_min_ clip clip_ clone conj conj_physical conj_physical_ contiguous
    copy_ copysign copysign_ corrcoef cos cos_ cosh cosh_ count_nonzero cov cpu cross cuda cummax
    cummin cumprod cumprod_ cumsum cumsum_ deg2rad deg2rad_ dequantize det detach detach_ diag
    diag_embed diagflat diagonal diagonal_scatter diff digamma digamma_ dim dist div div_ divide
    divide_ dot double dsplit eq eq_ equal erf erf_ erfc erfc_ erfinv erfinv_ exp exp2 exp2_ exp_
    expand expand_as expm1 expm1_ exponential_ fill_ fill_diagonal_ fix fix_ flatten flip fliplr
    flipud float float_power float_power_ floor floor_ floor_divide floor_divide_ fmax fmin fmod
    fmod_ frac frac_ frexp gather gcd gcd_ ge ge_ ger get_device greater greater_ greater_equal
    greater_equal_ gt gt_ half hardshrink heaviside heaviside_ histc histogram hsplit hypot hypot_
    i0 i0_ igamma igamma_ igammac igammac_ index index_add index_add_ index_copy_ index_fill
    index_fill_ index_put index_put_ index_reduce index_reduce_ index_select inner int int_repr
    inverse is_complex is_contiguous is_floating_point is_nonzero is_signed isclose isfinite isinf
    isnan isneginf isposinf isreal item kron kthvalue lcm lcm_ ldexp ldexp_ le le_ lerp lerp_ less
    less_ less_equal less_equal_ lgamma lgamma_ log log10 log10_ log1p log1p_ log2 log2_ log_
    log_normal_ log_softmax logaddexp logaddexp2 logcumsumexp logdet logical_and logical_and_
    logical_not logical_not_ logical_or logical_or_ logical_xor logical_xor_ logit logit_
    logsumexp long lt lt_ lu_solve masked_fill masked_fill_ masked_scatter masked_scatter_
    masked_select matmul matrix_exp matrix_power max maximum mean median min minimum mm mode
    moveaxis movedim msort mul mul_ multinomial multiply multiply_ mv mvlgamma mvlgamma_
    nan_to_num nan_to_num_ nanmean nanmedian nanquantile nansum narrow ndimension ne ne_ neg neg_
    negative negative_ nelement new_empty new_full new_ones new_zeros nextafter nextafter_ nonzero
    nonzero_static norm normal_ not_equal not_equal_ numel outer permute pinverse polygamma
    polygamma_ positive pow pow_ prelu prod q_per_channel_axis q_per_channel_scales
    q_per_channel_zero_points q_scale q_zero_point qr quantile rad2deg rad2deg_ ravel reciprocal
    reciprocal_ relu relu_ remainder remainder_ renorm renorm_ repeat repeat_interleave reshape
    reshape_as roll rot90 round round_ rsqrt rsqrt_ scatter scatter_ scatter_add scatter_add_
    scatter_reduce scatter_reduce_ select select_scatter sgn sgn_ short sigmoid sigmoid_ sign
    sign_ signbit sin sin_ sinc sinc_ sinh sinh_ size slogdet softmax sort split split_with_sizes
    sqrt sqrt_ square square_ squeeze squeeze_ std stft stride sub sub_ subtract subtract_ sum
    sum_to_size svd swapaxes swapaxes_ swapdims swapdims_ t t_ take take_along_dim tan tan_ tanh
    tanh_ tensor_split tile to to_dense tolist topk trace transpose transpose_ triangular_solve
    tril tril_ triu triu_ true_divide true_divide_ trunc trunc_ type type_as unbind unflatten
    unfold uniform_ unique unique_consecutive unsqueeze unsqueeze_ var vdot view view_as vsplit
    where xlogy xlogy_ zero_
    """

METHODS: Final = frozenset(_METHODS.split())
"""Methods of tensors."""

_SHADOWED: Final = """
    _apply _boxed_call _call_impl _deepcopy_init _get_abs_string_index _get_backward_hooks
    _get_backward_pre_hooks _get_item_by_idx _get_name _lazy_forward _load_from_state_dict
    _maybe_warn_non_full_backward_hook _named_members _needs_recompile _real_recompile
    _recompile_submodules _register_create_node_hook _register_deepcopy_hook
    _register_erase_node_hook _register_load_state_dict_pre_hook _register_replace_node_hook
    _register_state_dict_hook _replicate_for_data_parallel _save_to_state_dict _set_replace_hook
    _slow_forward _unregister_create_node_hook _unregister_deepcopy_hook
    _unregister_erase_node_hook _unregister_replace_node_hook _wrapped_call_impl add_module
    add_submodule append apply bfloat16 buffers children clear code compile cpu cuda
    delete_all_unused_submodules delete_submodule double eval extend extra_repr float
    force_recompile forward from_graphmodule get_buffer get_extra_state get_parameter
    get_submodule graph half insert ipu items keys load_state_dict modules mtia named_buffers
    named_children named_modules named_parameters parameters pop print_readable real_recompile
    recompile register_backward_hook register_buffer register_forward_hook
    register_forward_pre_hook register_full_backward_hook register_full_backward_pre_hook
    register_load_state_dict_post_hook register_load_state_dict_pre_hook register_module
    register_parameter register_state_dict_post_hook register_state_dict_pre_hook requires_grad_
    set_extra_state set_submodule share_memory state_dict to to_empty to_folder train type update
    values xpu zero_grad
    """

_ADDED: Final = ("smart_apply",)
"""What transformers adds to every module of the process that it is imported in."""

SHADOWED: Final = frozenset((*_SHADOWED.split(), *_ADDED))
"""Methods and properties of modules of torch; an attribute of such a name takes their place."""

_ATTRIBUTES: Final = """
    H T data device dtype imag indices is_cuda is_quantized is_sparse layout mH mT ndim real
    requires_grad shape values
    """

ATTRIBUTES: Final = frozenset(_ATTRIBUTES.split())
"""Attributes of tensors, and of the tuples that some functions return."""

_OTHERS: Final = {
    "torch": "_assert",
    "torch._C._linalg": """
        linalg_cross linalg_det linalg_inv linalg_matmul linalg_matrix_norm linalg_norm
        linalg_solve linalg_vector_norm
        """,
    "torch._C._special": """
        special_erf special_erfc special_expit special_gammaln special_log1p special_log_softmax
        special_logit special_softmax special_xlogy
        """,
    "torch.functional": """
        atleast_1d atleast_2d atleast_3d block_diag broadcast_tensors cartesian_prod cdist
        chain_matmul einsum meshgrid norm split stft tensordot unique unique_consecutive
        """,
}

FUNCTIONS: Final = frozenset(
    [f"torch.{name}" for name in _TORCH.split()]
    + [f"torch.nn.functional.{name}" for name in _FUNCTIONAL.split()]
    + [f"torch._C._nn.{name}" for name in _COMPILED.split()]
    + [f"{module}.{name}" for module, names in _OTHERS.items() for name in names.split()]
)
"""Functions by the names under which the source calls them."""

_MATH: Final = """
    acos acosh asin asinh atan atan2 atanh ceil copysign cos cosh degrees erf erfc exp expm1 fabs
    floor fmod gcd hypot isfinite isinf isnan log log10 log1p log2 pow radians remainder sin sinh
    sqrt tan tanh trunc
    """

IMPORTED: Final = frozenset([f"math.{name}" for name in _MATH.split()] + ["_operator.abs"])
"""Functions that are imported by name."""

_BUILTIN: Final = "bool complex dict float int list object str tuple"
_TYPING: Final = "Any Dict Iterable List Mapping Optional Sequence Tuple Union"

TYPES: Final = frozenset(
    [f"builtins.{name}" for name in _BUILTIN.split()]
    + [f"typing.{name}" for name in _TYPING.split()]
    + ["collections.abc.Iterable", "collections.abc.Sequence"]
)
"""Types that annotations name, and that are imported by name."""

TORCH_TYPES: Final = frozenset(
    {
        "torch.Size",
        "torch.Tensor",
        "torch.device",
        "torch.dtype",
        "torch.nn.Parameter",
        "torch.nn.parameter.Parameter",
    }
)
"""Types that annotations name."""
